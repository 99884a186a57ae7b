import { Fault } from '@countersign/contract'
import { lengthInWords } from './span.ts'

/** What is asked again sooner than this is worth waiting for. */
const WORTH_WAITING_MS = 60_000
const SECOND_MS = 1_000

/** Waits are told in whole seconds, or in minutes and hours once they are long. */
function waitInWords(ms: number): string {
  const [unitMs] = [3_600_000, 60_000].filter((size) => ms >= 2 * size)
  const size = unitMs ?? SECOND_MS
  return lengthInWords(Math.ceil(ms / size) * size)
}

interface Exhausted {
  readonly name: string
  /** What the limit allows, in words. */
  readonly words: string
  readonly againMs: number | undefined
  readonly now: number
}

/** What an agent is told: nothing was executed, which limit, until when retrying is no use, what to do. */
export function exhausted({ name, words, againMs, now }: Exhausted): Fault {
  const which = `The limit "${name}" is used up: it allows ${words}.`
  const data = { quota: name, ...retryIn(againMs, now) }
  return new Fault(
    'quota/exhausted',
    ['Nothing was executed.', which, ...nextInWords(againMs, now)].join(' '),
    { data },
  )
}

function nextInWords(againMs: number | undefined, now: number): readonly string[] {
  if (againMs === undefined) {
    return [
      'The same call will be refused until one of those that are under way is over.',
      'Wait for the calls you have made, then call again.',
    ]
  }
  const at = new Date(now + againMs).toISOString()
  const until = `Retrying before ${at} (in ${waitInWords(againMs)}) will not change it.`
  return againMs <= WORTH_WAITING_MS
    ? [until, 'Wait until then, and call again.']
    : [until, 'Tell the user, and go on without it.']
}

const retryIn = (againMs: number | undefined, now: number) =>
  againMs === undefined
    ? {}
    : { retryAfterMs: Math.ceil(againMs), retryAt: new Date(now + againMs).toISOString() }
