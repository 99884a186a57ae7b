import { Fault, missingCapability, textAt, type Json } from '@countersign/contract'
import { boundJson } from '#approvals'
import type { Ledger } from '#audit'
import { SELF, type Decision } from '#policy'
import type { InputAnswer } from '#upstream'
import { shortfall } from './admit.ts'
import type { Client } from './asked.ts'
import { boundOf, type Case } from './judge-approved.ts'
import { judgeCall, type JudgeCallRooms, type Judgement } from './judge-call.ts'
import type { Target } from './target.ts'

export interface ConfirmRooms extends JudgeCallRooms {
  readonly ledger: Pick<Ledger, 'note'>
}

type Asker = Pick<Client, 'using' | 'ask' | 'signal' | 'capabilities'>
type Asks = Extract<Decision<Target>, { kind: 'ask' }>

/** Judges a call, and has the user of its agent confirm it where the policies want no more than that. */
export async function judgeAsked(
  rooms: ConfirmRooms,
  judged: Case,
  call: string,
  client: Asker,
): Promise<Judgement> {
  const judgement = await judgeCall(rooms, judged, client)
  const { decision } = judgement
  if (decision.kind !== 'ask' || !isAskable(rooms, judged, decision, client)) return judgement
  return (await confirmed(rooms, judged, { call, asks: decision }, client)) ?? judgement
}

/** Whether this client may be asked about its own call: GV2 has no other exception. */
const isAskable = (
  { approvals }: ConfirmRooms,
  { who, target, about }: Case,
  { asks }: Asks,
  client: Asker,
): boolean =>
  approvals.settings.isSelfConfirmed &&
  !approvals.settings.passkeyFor.includes(target.effect) &&
  asks.every(({ group }) => group === SELF) &&
  shortfall(who, target) === undefined &&
  missingCapability(FORM, client.capabilities) === undefined &&
  // Nobody confirms what they are shown a part of.
  inWords(about.arguments).length <= ARGUMENTS_CHARS_MAX

interface Confirming {
  readonly call: string
  readonly asks: Asks
}

/**
 * Undefined when nobody answered: then it is asked on the page. What a client answers by itself, at
 * once or by cancelling, is nobody's word.
 */
async function confirmed(
  rooms: ConfirmRooms,
  judged: Case,
  confirming: Confirming,
  client: Asker,
): Promise<Judgement | undefined> {
  const { world, ledger } = rooms
  const { call, asks } = confirming
  const startedAt = world.monotonic()
  const answer = await client.ask(questionOf(judged, asks), client.signal)
  const verdict = verdictIn(answer, world.monotonic() - startedAt)
  if (verdict === undefined) return undefined
  const bound = boundOf(judged, asks)
  await ledger.note('approval.self', {
    call,
    principal: judged.who.id,
    verdict,
    means: SELF,
    policies: [...asks.policies],
    bound: boundJson(bound),
  })
  if (verdict === 'deny') return refusing(asks, SAID_NO)
  // What was confirmed is what was shown, under the policies and the definition of then (GV1).
  if ((await rooms.approvals.lapsed(bound)) !== undefined) return refusing(asks, CHANGED)
  const { who, target, about } = judged
  const approval = { groups: [SELF], people: 1 }
  const decision = rooms.policy.decide(who, target, { ...about, approval })
  const spend = async (): Promise<void> => {
    if ((await rooms.approvals.lapsed(bound)) !== undefined) {
      throw new Fault('policy/denied', CHANGED)
    }
  }
  return { decision, told: { confirmed: SELF }, spend, isLifted: true }
}

const refusing = ({ policies, version }: Asks, because: string): Judgement => ({
  decision: { kind: 'deny', because, policies, ...(version ? { version } : {}) },
  told: { confirmed: SELF },
  spend: async () => undefined,
})

const FORM = {
  method: 'elicitation/create',
  params: { mode: 'form', message: '', requestedSchema: { type: 'object', properties: {} } },
} as const

const ARGUMENTS_CHARS_MAX = 2_000

/** As JSON, in which nothing hides and nothing turns the direction of writing. */
const inWords = (given: Json | undefined): string =>
  JSON.stringify(given ?? {}).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (mark) =>
    Array.from(
      { length: mark.length },
      (_, at) => `\\u${mark.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  )

function questionOf({ target, about }: Case, { message }: Asks) {
  const why = message === undefined ? '' : ` ${message}`
  const text = `Shall this be done? ${target.server} ${target.name} (${target.effect}) with ${inWords(about.arguments)}${why}`
  return { ...FORM, params: { ...FORM.params, message: text } }
}

/** Nobody reads a question and answers it within this: a headless client declines at once. */
const READ_MS = 1_000

function verdictIn(answer: InputAnswer, tookMs: number): 'approve' | 'deny' | undefined {
  if (answer.kind !== 'result') return undefined
  const action = textAt(answer.result, 'action')
  if (action === 'accept') return 'approve'
  return action === 'decline' && tookMs >= READ_MS ? 'deny' : undefined
}

const SAID_NO =
  'Nothing was executed. The user was asked to confirm it, and said no. Go on without it.'
const CHANGED =
  'Nothing was executed: the policies or the tool changed while the user was asked. Make the call once more: that asks anew.'
