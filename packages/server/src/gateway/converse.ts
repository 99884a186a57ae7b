import {
  Fault,
  missingCapability,
  type InputRequest,
  type JsonObject,
  type RpcError,
} from '@countersign/contract'
import type { World } from '#base'
import type { Outgoing, Reply, Upstream } from '#upstream'
import type { Client } from './asked.ts'

/** Rounds one call may take, and how many of them may only pass state along (BR-022). */
const ROUNDS_MAX = 10
const IDLE_ROUNDS_MAX = 3
const IDLE_ROUND_MS = 250

/** Where later rounds are sent. */
export type Rounds = Pick<Upstream, 'spec' | 'call'>

/**
 * Carries a call on from its first reply. A modern server's `input_required` is answered here, on the open
 * stream, when the client is of the era that cannot come back with answers (BR-020 to BR-025).
 */
export async function converse(
  world: World,
  upstream: Rounds,
  outgoing: Outgoing,
  client: Client,
  first: Reply,
): Promise<Reply> {
  let reply = first
  let idleRounds = 0
  for (let round = 1; reply.kind === 'input' && client.questions() === 'live'; round++) {
    if (round > ROUNDS_MAX) throw tooMany(upstream.spec.id)
    const asked = Object.entries(reply.inputRequests)
    idleRounds = asked.length === 0 ? idleRounds + 1 : 0
    if (idleRounds > IDLE_ROUNDS_MAX) throw tooMany(upstream.spec.id)
    if (asked.length === 0) await world.wait(IDLE_ROUND_MS * idleRounds, client.signal)
    const answers = await askAll(asked, client)
    if (answers.kind === 'error') return answers
    const { inputResponses: _answers, requestState: _state, ...call } = outgoing
    reply = await upstream.call(
      {
        ...call,
        ...(asked.length > 0 ? { inputResponses: answers.responses } : {}),
        ...(reply.requestState === undefined ? {} : { requestState: reply.requestState }),
      },
      client,
    )
  }
  return reply
}

type Answers =
  | { readonly kind: 'answers'; readonly responses: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError }

async function askAll(
  asked: readonly (readonly [string, InputRequest])[],
  client: Client,
): Promise<Answers> {
  const answered = await Promise.all(
    asked.map(async ([key, request]) => {
      if (missingCapability(request, client.capabilities))
        return { key, request, answer: undefined }
      return { key, request, answer: await client.ask(request, client.signal) }
    }),
  )
  const responses: Record<string, JsonObject> = {}
  for (const { key, request, answer } of answered) {
    if (answer?.kind === 'result') responses[key] = answer.result
    // BR-015: an elicitation nobody could be asked is cancelled; the others end the call.
    else if (request.method === 'elicitation/create') responses[key] = { action: 'cancel' }
    else {
      const why = answer?.error.message ?? 'this client cannot be asked'
      return { kind: 'error', error: { code: -32603, message: `${request.method}: ${why}` } }
    }
  }
  return { kind: 'answers', responses }
}

const tooMany = (server: string): Fault =>
  new Fault(
    'upstream/broken',
    `${server} kept asking without coming to an end; the call was given up.`,
  )
