import { z } from 'zod'
import type { PolicySettings } from '#policy'
import type { Complain } from './mistake.ts'
import { folderFrom } from './server-spec.ts'

const GROUPS_MAX = 200
const MEMBERS_MAX = 10_000
const MEMBER_CHARS_MAX = 500
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export const policySchema = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .max(4_096)
      .describe(
        'The folder of the policies (`*.cedar`), relative to this file. It is watched: what is right is in force within seconds, what is wrong never is.',
      ),
    timeZone: z
      .string()
      .min(1)
      .max(64)
      .default('UTC')
      .describe('The zone of `context.time`, such as Europe/Vienna.'),
    groups: z
      .record(
        z.string().regex(NAME),
        z.array(z.string().min(1).max(MEMBER_CHARS_MAX)).max(MEMBERS_MAX),
      )
      .refine((groups) => Object.keys(groups).length <= GROUPS_MAX)
      .prefault({})
      .describe(
        'Who belongs to which group, by the ids of principals: {issuer}#{subject}, or `local` without `auth`.',
      ),
  })
  .optional()
  .describe('Who may do what. Without it everything that is listed may be called, and is recorded.')

/** What the section means; complains about what cannot be meant. */
export function policyOf(
  written: NonNullable<z.output<typeof policySchema>>,
  folder: string,
  complain: Complain,
): PolicySettings {
  if (!isTimeZone(written.timeZone)) {
    complain(['policy', 'timeZone'], 'no time zone', 'for example Europe/Vienna')
  }
  return { ...written, folder: folderFrom(folder, written.folder) }
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
