import { approversOf, SELF } from '#policy'
import type { Approval } from './approval.ts'

/** Why an approval does not count any more, each as a part of a sentence. */
export const LAPSE = {
  definition: 'the definition of the tool changed',
  policies: 'the policies changed',
  call: 'the call is not the one that was approved',
  late: 'it was approved, and could not be carried out before the approval expired',
  members: 'whoever approved it is no longer in the group that was asked',
  used: 'the approval was used before',
  other: 'the approval was for another call',
  unapproved: 'it was not approved',
  gone: 'the approval is gone',
  refused: 'it was refused when it was to be carried out',
} as const

/** What the agent is told when the policies asked for a yes, and it did not come to that. */
export function endedInWords(approval: Approval, now: number): string {
  const { state, asks, answers, why, createdAt } = approval
  if (state === 'denied') {
    const no = answers.find(({ verdict }) => verdict === 'deny')
    const said = no?.reason === undefined ? '' : ` Their reason: ${sentence(no.reason)}`
    return `Nothing was executed. ${sentenceStart(no?.groups ?? [])} was asked to approve it, and said no.${said} The same call would only ask the same people again. Tell the user, and go on without it.`
  }
  if (state === 'expired') {
    return `Nothing was executed. It needs the approval of ${approversOf(asks)}, and within ${lasting(now - createdAt)} there was no answer, so the request has expired. Tell the user; if it is still wanted, the same call asks anew.`
  }
  return lapsedInWords(why ?? LAPSE.unapproved)
}

/** The same when a yes no longer fits. */
export const lapsedInWords = (why: string): string =>
  `Nothing was executed. It needs an approval, and there is none that counts: ${sentence(why)} If it is still wanted, tell the user and make the call once more: that asks anew.`

const sentenceStart = (groups: readonly string[]): string =>
  groups.includes(SELF)
    ? 'The user'
    : `Someone of ${groups.map((group) => `"${group}"`).join(', ')}`

const sentence = (text: string): string => {
  const line = text.trim().replaceAll(/\s+/g, ' ')
  return /[.!?]$/.test(line) ? line : `${line}.`
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const lasting = (ms: number): string =>
  ms >= 2 * HOUR_MS
    ? `${String(Math.round(ms / HOUR_MS))} hours`
    : `${String(Math.max(1, Math.round(ms / MINUTE_MS)))} min`
