import { z } from 'zod'
import type { PolicySettings } from '#policy'
import { duration } from './limits.ts'
import type { Complain } from './mistake.ts'
import { folderFrom } from './server-spec.ts'

const GROUPS_MAX = 200
const MEMBERS_MAX = 10_000
const MEMBER_CHARS_MAX = 500
const MINUTE_MS = 60_000
const TTL_MS = 24 * 60 * MINUTE_MS
const TTL = { min: MINUTE_MS, max: 7 * TTL_MS }
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
        'Who belongs to which group, by the ids of principals: {issuer}#{subject}, or `local` without `auth`. `operator` is whoever holds the token of the data folder, with the command line.',
      ),
    approvals: z
      .strictObject({
        ttl: duration(TTL)
          .default(TTL_MS)
          .describe(
            'How long people have to answer what a policy asks them (`@ask`). It also ends with the task that waits: see `tasks.ttl`.',
          ),
      })
      .prefault({})
      .describe('Calls that wait for the yes of somebody.'),
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
  const { approvals, ...rest } = written
  const approving = { ttlMs: approvals.ttl }
  return { ...rest, folder: folderFrom(folder, written.folder), approvals: approving }
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
