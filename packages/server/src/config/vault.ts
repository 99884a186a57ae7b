import { resolve } from 'node:path'
import { z } from 'zod'
import type { Source, VaultSettings } from '#vault'

const PATH_CHARS_MAX = 4_096
const WORDS_MAX = 100
const PREVIOUS_MAX = 8

const file = z.string().min(1).max(PATH_CHARS_MAX)
const env = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
  .max(256)
const command = z.array(z.string().min(1).max(PATH_CHARS_MAX)).min(1).max(WORDS_MAX)

/** Where a secret is read, and by what. */
export const sourceSchema = z.union([
  z.strictObject({ file: file.describe('A file, relative to this one.') }),
  z.strictObject({ env: env.describe('A variable.') }),
  z.strictObject({ command: command.describe('A program that prints it, and its arguments.') }),
])

export const vaultSchema = z
  .strictObject({
    key: sourceSchema
      .optional()
      .describe(
        'The master key of the credentials: 32 random bytes in base64. A file is made when it is missing. Default: keys/vault.key in the data folder.',
      ),
    previous: z
      .array(sourceSchema)
      .max(PREVIOUS_MAX)
      .default([])
      .describe(
        'Keys that were in use before. After `countersign connections rekey` they are not needed.',
      ),
    clientDocument: z
      .string()
      .regex(/^https:\/\/[^/]+\/[^#]+$/)
      .max(2_048)
      .optional()
      .describe(
        'The https URL of a copy of our /.well-known/oauth-client-public.json, for authorization servers that cannot reach us. Its client_id must be that URL.',
      ),
  })
  .optional()
  .describe('How the credentials for servers are sealed, and who we are to those who give them.')

/** The default of the key is the room's, which knows the data folder. */
export interface VaultSection {
  readonly key: VaultSettings['key'] | undefined
  readonly previous: VaultSettings['previous']
  /** Where the document that describes us is, if not with us. */
  readonly clientDocument: string | undefined
}

export function vaultOf(
  { key, previous, clientDocument }: NonNullable<z.output<typeof vaultSchema>>,
  folder: string,
): VaultSection {
  return {
    key: key && sourceFrom(folder, key),
    previous: previous.map((one) => sourceFrom(folder, one)),
    clientDocument,
  }
}

/** Paths are relative to the file in which they stand. */
export const sourceFrom = (folder: string, source: Source): Source =>
  'file' in source ? { file: resolve(folder, source.file) } : source
