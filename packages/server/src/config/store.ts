import { z } from 'zod'
import { Secret } from '#base'
import { expand, type Variable } from './expand.ts'
import { count } from './limits.ts'
import type { Complain } from './mistake.ts'

export const storeSchema = z
  .strictObject({
    postgres: z
      .string()
      .min(1)
      .max(4_096)
      .describe(
        'The address of a Postgres database (14 or newer), such as ${DATABASE_URL}. TLS as its `sslmode` says.',
      ),
    connections: count(
      { min: 6, max: 200, fallback: 12 },
      'The most connections of one node for statements; two more listen.',
    ),
  })
  .optional()
  .describe(
    'Where everything is kept when one machine is not enough: any number of nodes share it. Without this: a file in the data folder, of one process.',
  )

export interface StoreSettings {
  /** With the password in it. */
  readonly postgres: Secret
  readonly connections: number
}

/** What the section means; complains about what cannot be meant, without showing it. */
export function storeOf(
  written: z.output<typeof storeSchema>,
  variable: Variable,
  complain: Complain,
): StoreSettings | undefined {
  if (!written) return undefined
  const read = expand(written.postgres, variable)
  if (!read.ok) {
    complain(['store', 'postgres'], read.problem, read.remedy)
    return undefined
  }
  if (!isAddress(read.text)) {
    complain(
      ['store', 'postgres'],
      'not the address of a database',
      'write postgres://user@host/name, best as ${DATABASE_URL}',
    )
    return undefined
  }
  return { postgres: new Secret(read.text), connections: written.connections }
}

/** A socket has no host: `postgres://user@/name?host=/run/postgresql`. */
const isAddress = (text: string): boolean =>
  /^postgres(?:ql)?:\/\/[^\s]+$/.test(text) && URL.canParse(text.replace(/@\//, '@socket/'))
