import type { Json } from '@countersign/contract'
import type { Carried, Closing, Ledger, Opening, Payloads } from '#audit'
import type { Outcome } from '#tasks'
import type { Case } from './judge-approved.ts'
import type { Target } from './target.ts'

type Payload = NonNullable<Parameters<Ledger['open']>[1]>

/** What an entry says, and what is written with it. */
interface Told<Facts> {
  readonly facts: Facts
  readonly payload?: Payload
}

/** What the digest of a call's arguments is over: what a tool is given, else all that was asked with. */
export const givenIn = ({ method, params }: Pick<Target, 'method' | 'params'>): Json =>
  params['arguments'] ?? (method === 'tools/call' ? {} : params)

/** The entry before the effect, and what is kept of the arguments where any are. */
export function goingIn(
  payloads: Payloads,
  opening: Opening,
  { target }: Pick<Case, 'target'>,
): Told<Opening> | Promise<Told<Opening>> {
  const { call, principal: subject, effect } = opening
  const kept = payloads.asked({ call, subject, effect }, givenIn(target))
  if (kept === undefined) return { facts: opening }
  return Promise.resolve(kept).then(({ fate, payload }) => ({
    facts: fate === undefined ? opening : { ...opening, payload: fate },
    ...(payload ? { payload } : {}),
  }))
}

type Came = Told<Pick<Closing, 'result' | 'payload'>>

/** What the entry after the effect says of the result; of what has none, nothing. Never rejects. */
export async function comingBack(
  payloads: Payloads,
  { call, principal: subject, effect }: Opening,
  outcome: Outcome | { readonly kind: 'mismatch' },
): Promise<Came> {
  if (outcome.kind !== 'answered') return NOTHING
  try {
    const carried = await payloads.answered({ call, subject, effect }, outcome.result)
    return carried ? toldOf(carried) : NOTHING
  } catch {
    return NOTHING // It has happened: that its result has no digest keeps nobody from hearing of it.
  }
}

const NOTHING: Came = { facts: {} }

const toldOf = ({ digest, fate, payload }: Carried): Came => ({
  facts: { result: digest, ...(fate === undefined ? {} : { payload: fate }) },
  ...(payload ? { payload } : {}),
})
