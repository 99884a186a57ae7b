import { isObject, META, own, RPC, type InputRequest, type JsonObject } from '@countersign/contract'
import { answer } from './answer.ts'
import type { Asked } from './asked.ts'
import type { Outcome } from '#tasks'
import { askToConnect, pageIn } from './connect-pages.ts'
import { ownQuestion } from './elicitation.ts'
import type { ModernRequest, ModernRooms, Served } from './modern.ts'
import { isOwnTool } from './own-tools.ts'
import { failure, SERVER_INFO, success } from './project.ts'
import { sealState, type Carried } from './request-state.ts'

/** The outcome of a call as the response to the request that is open, which may be a question. */
export function conclude(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  outcome: Outcome,
): Served {
  const { id } = modern.request
  if (outcome.kind === 'input') {
    const { inputRequests, requestState, server } = outcome
    const inner = requestState === undefined ? {} : { inner: requestState }
    const round = asked.round.number + 1
    return askClient(rooms, modern, asked, inputRequests, {
      kind: 'relay',
      call: asked.call,
      server,
      round,
      ...inner,
    })
  }
  const pages = canOpen(modern, asked) ? pagesIn(outcome) : undefined
  if (pages && asked.round.number < REDO_ROUNDS_MAX) {
    const { questions, connect } = pages
    const round = asked.round.number + 1
    const redo = { kind: 'redo', call: asked.call, round, ...(connect ? { connect } : {}) } as const
    return askClient(rooms, modern, asked, questions, redo)
  }
  if (outcome.kind === 'task' || outcome.kind === 'asks') throw new Error('this is not an answer')
  const { revision, capabilities } = modern.envelope
  const said = answer(asked, outcome, revision, capabilities)
  if (said.kind === 'result') return { response: success(id, said.result) }
  return { response: failure(id, said.error), ...(said.fault ? { fault: said.fault } : {}) }
}

/** I-001, I-004: only a call that may come back, and only of a client that can open pages. */
export const canOpen = ({ request, envelope }: ModernRequest, { method }: Asked): boolean =>
  method !== 'completion/complete' &&
  // A call that is over is not begun anew by asking after it: its model is told what to call.
  !isOwnTool({ method, params: request.params ?? {} }) &&
  envelope.capabilities.elicitation?.url !== undefined

/** `input_required` with our own sealed state (2026-07-28 MRTR). */
export function askClient(
  rooms: ModernRooms,
  { who, view, request }: ModernRequest,
  asked: Asked,
  inputRequests: Readonly<Record<string, InputRequest>>,
  carried: Carried,
): Served {
  const scope = { who, view, method: asked.method, params: request.params ?? {} }
  const result = {
    resultType: 'input_required',
    ...(Object.keys(inputRequests).length > 0
      ? { inputRequests: Object.fromEntries(Object.entries(inputRequests).map(bare)) }
      : {}),
    requestState: sealState(rooms, scope, carried),
    _meta: { [META.serverInfo]: SERVER_INFO },
  }
  return { response: success(request.id, result) }
}

/** A question as the wire has it: method and parameters, nothing else (I-003). */
const bare = ([key, { method, params }]: readonly [string, InputRequest]): [string, JsonObject] => [
  key,
  { method, ...(params ? { params: ownQuestion(params) } : {}) },
]

const REDO_ROUNDS_MAX = 10

interface Pages {
  readonly questions: Readonly<Record<string, InputRequest>>
  /** The page is ours, so we know when it is done. */
  readonly connect?: string
}

/** The pages that have to be opened before a call can be done at all. */
function pagesIn(outcome: Outcome): Pages | undefined {
  if (outcome.kind === 'errored') {
    const questions = urlQuestions(outcome.error.code, outcome.error.data)
    return questions && { questions }
  }
  const page = outcome.kind === 'refused' ? pageIn(outcome.fault) : undefined
  if (!page) return undefined
  const params = { mode: 'url', url: page.url, message: askToConnect(page.server) }
  return { questions: { connect: { method: 'elicitation/create', params } }, connect: page.id }
}

/** A legacy server's -32042 as questions: the same URLs, without the ids of its era (I-047). */
function urlQuestions(
  code: number,
  data: unknown,
): Readonly<Record<string, InputRequest>> | undefined {
  if (code !== RPC.urlElicitationRequired || !isObject(data)) return undefined
  const list = own(data, 'elicitations')
  const urls = (Array.isArray(list) ? list : []).filter(isObject)
  if (urls.length === 0) return undefined
  return Object.fromEntries(
    urls.map((one, at) => {
      const { elicitationId: _id, ...params } = one
      return [
        `url${String(at + 1)}`,
        { method: 'elicitation/create', params: { ...params, mode: 'url' } },
      ]
    }),
  )
}
