import { z } from 'zod'
import { EFFECTS } from '@countersign/contract'
import { SELF, type ApprovalSettings, type PolicySettings } from '#policy'
import { decidersSchema } from './deciders.ts'
import { count, duration } from './limits.ts'
import { runsSchema } from './flow.ts'
import { memberId } from './member-id.ts'
import type { Complain } from './mistake.ts'
import { folderFrom } from './server-spec.ts'

const GROUPS_MAX = 200
const MEMBERS_MAX = 10_000
const MEMBER_CHARS_MAX = 500
const MINUTE_MS = 60_000
const TTL_MS = 24 * 60 * MINUTE_MS
const TTL = { min: MINUTE_MS, max: 7 * TTL_MS }
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const GROUP = z.string().regex(NAME)
const ESCALATE = { min: MINUTE_MS, max: 7 * TTL_MS }

export const policySchema = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .max(4_096)
      .describe(
        'The folder of the policies (`*.cedar`), relative to this file. It is watched: what is right is in force within seconds, what is wrong never is.',
      ),
    source: z
      .enum(['folder', 'admin'])
      .default('folder')
      .describe(
        '`admin`: the policies are in the store, changed by `countersign policy apply` on every node at once; the folder is only what they begin with.',
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
        escalate: z
          .record(GROUP, z.strictObject({ to: GROUP, after: duration(ESCALATE) }))
          .prefault({})
          .describe(
            'Which group may answer too when the one that is asked has not for so long: `sre: {to: managers, after: 2 h}`. An `@escalate` of the policy comes first.',
          ),
        selfConfirm: z
          .boolean()
          .default(false)
          .describe(
            'Whether `@ask("self")` may be answered by whoever asks, also in the client of their agent. Without it nobody can answer that.',
          ),
        passkeyFor: z
          .array(z.enum(EFFECTS))
          .max(EFFECTS.length)
          .default([])
          .describe(
            'Effect classes that only people decide who have just shown a passkey, on the page: not the command line, nor a webhook.',
          ),
        deciders: decidersSchema,
        breakGlass: z
          .strictObject({
            group: GROUP.describe('Who may send one call without those who were asked.'),
            reviewDays: z
              .int()
              .min(1)
              .max(90)
              .default(7)
              .describe('After how many days an entry says that nobody has looked at it.'),
          })
          .optional()
          .describe(
            'One person instead of all who are asked, with a reason, looked at afterwards.',
          ),
        grants: z
          .strictObject({
            maxUses: count(
              { min: 1, max: 100_000, fallback: 100 },
              'The most calls that one standing grant is for.',
            ),
            maxDays: count(
              { min: 1, max: 366, fallback: 30 },
              'The most days that one standing grant is good for.',
            ),
            makers: GROUP.optional().describe(
              'Whoever makes one has to be in this group, beside the groups that would be asked.',
            ),
          })
          .optional()
          .describe('A yes in advance, within bounds. Without this section there is none.'),
      })
      .prefault({})
      .describe('Calls that wait for the yes of somebody.'),
    runs: runsSchema,
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
  const { approvals, runs: _runs, ...rest } = written
  checkGroups(written, complain)
  const groups = Object.entries(written.groups).map(
    ([group, members]) => [group, members.map(memberId)] as const,
  )
  return {
    ...rest,
    groups: Object.fromEntries(groups),
    folder: folderFrom(folder, written.folder),
    approvals: approvingOf(approvals),
  }
}

type Written = NonNullable<z.output<typeof policySchema>>

/** A misspelt group would be one that nobody is in: nobody could answer. */
function checkGroups({ groups, approvals }: Written, complain: Complain): void {
  const { escalate, breakGlass, grants } = approvals
  if (Object.hasOwn(groups, SELF)) {
    complain(['policy', 'groups', SELF], 'no name for a group', '"self" is whoever asks')
  }
  const named: readonly (readonly [readonly string[], string | undefined])[] = [
    ...Object.entries(escalate).map(([group, { to }]) => [['escalate', group, 'to'], to] as const),
    [['breakGlass', 'group'], breakGlass?.group],
    [['grants', 'makers'], grants?.makers],
  ]
  for (const [path, group] of named) {
    if (group === undefined || Object.hasOwn(groups, group)) continue
    complain(['policy', 'approvals', ...path], 'no such group', 'name one of policy.groups')
  }
}

function approvingOf({ ttl, ...written }: Written['approvals']): ApprovalSettings {
  const { escalate, selfConfirm, passkeyFor, breakGlass, grants } = written
  const later = Object.entries(escalate).map(
    ([group, { to, after }]) => [group, { to, afterMs: after }] as const,
  )
  return {
    ttlMs: ttl,
    escalate: Object.fromEntries(later),
    isSelfConfirmed: selfConfirm,
    passkeyFor,
    breakGlass,
    grants: grants && { usesMax: grants.maxUses, daysMax: grants.maxDays, makers: grants.makers },
  }
}

export function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
