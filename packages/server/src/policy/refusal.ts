import { SELF } from './approval-settings.ts'
import type { Ask, Verdict } from './judge.ts'

const quoted = (ids: readonly string[]): string => ids.map((id) => `"${id}"`).join(', ')
const policiesNamed = (ids: readonly string[]): string =>
  ids.length === 1 ? `The policy ${quoted(ids)}` : `The policies ${quoted(ids)}`

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
const withMessage = (said: string, message: string | undefined): string =>
  message === undefined ? `${said}.` : `${said}: ${sentence(message)}`

/** Who has to say yes, in words. */
export const approversOf = (asks: readonly Pick<Ask, 'group' | 'quorum'>[]): string =>
  asks
    .map(({ group, quorum }) => {
      if (group === SELF) return 'the user'
      return quorum === 1 ? `someone of "${group}"` : `${String(quorum)} people of "${group}"`
    })
    .join(' and ')

/** Whom a call waits for, in a line: nothing of it was sent. */
export function waitingOf(asks: readonly Ask[], message: string | undefined): string {
  const why = message === undefined ? '' : ` (${message})`
  return `Waiting for approval by ${approversOf(asks)}${why}. Nothing was executed yet.`
}

/**
 * What an agent is told: that nothing was executed, why, that retrying will not change it, and the one
 * thing to do next. Never the text of a rule: it says what else is protected, and how.
 */
export function refusalOf(verdict: Exclude<Verdict, { kind: 'allow' }>): string {
  return ['Nothing was executed.', ...wordsOf(verdict)].join(' ')
}

/** Why somebody has no say about a call. */
export function keptInWords(
  approver: string,
  { why, policies, message }: Extract<Verdict, { kind: 'deny' }>,
): string {
  const named = policiesNamed(policies)
  return why === 'forbidden'
    ? withMessage(`${named} keeps ${approver} from deciding about this call`, message)
    : `${named} could not be evaluated, so ${approver} has no say about this call.`
}

function wordsOf(verdict: Exclude<Verdict, { kind: 'allow' }>): readonly string[] {
  const { policies } = verdict
  if (verdict.kind === 'ask') {
    const why = `${policiesNamed(policies)} ${policies.length === 1 ? 'asks' : 'ask'} for the approval of ${approversOf(verdict.asks)}`
    return [
      withMessage(why, verdict.message),
      'Only the call of a tool can wait for that, so asking again will not change this.',
      'Tell the user who would have to approve it, and go on without it.',
    ]
  }
  switch (verdict.why) {
    case 'forbidden': {
      const does = policies.length === 1 ? 'does' : 'do'
      return [
        withMessage(`${policiesNamed(policies)} ${does} not allow it`, verdict.message),
        'The same call will be refused again.',
        'Tell the user that it is not allowed, and go on without it.',
      ]
    }
    case 'unpermitted':
      return [
        'No policy permits it.',
        'The same call will be refused again.',
        'Tell the user that whoever runs this gateway would have to permit it, and go on without it.',
      ]
    case 'broken':
      return [
        policies.length === 0
          ? 'The policies could not be evaluated for it.'
          : `${policiesNamed(policies)} could not be evaluated for it.`,
        'Calling again will not change this.',
        'Tell the user that whoever runs this gateway has to look at its log.',
      ]
    case 'unseen':
      return [
        'Its arguments are too many, too nested or no proper text for the policies that look at them.',
        'The same call will be refused again.',
        'Call it with fewer and flatter arguments.',
      ]
  }
}
