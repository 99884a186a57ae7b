import {
  isObject,
  META,
  own,
  RPC,
  type Fault,
  type JsonObject,
  type Kind,
  type RpcNotification,
} from '@countersign/contract'
import { envelope } from './envelope.ts'
import type { Answer } from './flight.ts'
import { withMeta, withoutHopMeta } from './hop-meta.ts'
import { readRound } from './input-round.ts'
import { OWN_REQUEST_MS, type Hop, type Link } from './link.ts'
import { listPages } from './list-pages.ts'
import { ModernListen } from './modern-listen.ts'
import { ModernTasks } from './modern-tasks.ts'
import { relayLog, relayProgress } from './notes.ts'
import { errorReply, NO_COMPLETIONS, resultOf } from './read-reply.ts'
import type { Exchange, Introduction, Listing, Outgoing, Reply } from './upstream.ts'
import { upstreamFault } from './upstream-fault.ts'

/** A server of self-sufficient requests: there is no session, only a way to reach it. */
export function makeModernLink(hop: Hop, introduction: Introduction): Link {
  const { rpc, server, log } = hop
  const { revision, capabilities } = introduction
  const listen = new ModernListen(hop, introduction)
  const judged = (answer: Answer): Answer => {
    if (isStrange(answer)) hop.expired(strangeFault(server))
    return answer
  }
  const tasks = new ModernTasks(hop, introduction, judged)
  rpc.listen({
    // Modern servers make no requests and we send no responses (S-005, H-044).
    request: ({ method }) => log.debug({ server, method }, 'a modern server asked; dropped'),
    notification: (note, lane) => hear(hop, listen, note, lane),
    expired: hop.expired,
    gap: () => undefined,
    ended: hop.ended,
  })

  const call = async (outgoing: Outgoing, exchange: Exchange): Promise<Reply> => {
    if (outgoing.method === 'completion/complete' && !own(capabilities, 'completions')) {
      return NO_COMPLETIONS
    }
    const id = rpc.nextId()
    const mayMakeTask = tasks.mayMake(outgoing, exchange)
    const declared = tasks.capabilitiesOf(exchange, mayMakeTask)
    const answer = await rpc.request({
      id,
      method: outgoing.method,
      params: modernParams(outgoing, exchange, envelope(revision, declared), id),
      revision,
      name: nameOf(outgoing),
      paramHeaders: outgoing.paramHeaders,
      timeoutMs: hop.callTimeoutMs,
      signal: exchange.signal,
      exchange,
      ...(mayMakeTask ? { late: (result) => tasks.madeLate(result, exchange) } : {}),
      cancellable: true,
    })
    const said = resultOf(judged(answer))
    if (mayMakeTask && said.kind === 'result' && own(said.result, 'resultType') === 'task') {
      return tasks.made(said.result)
    }
    return readAnswer(hop, outgoing, exchange, said)
  }

  return {
    introduction,
    call,
    list: (kind, signal) => list(hop, introduction, kind, signal),
    watch: (wanted) => listen.apply(wanted),
    tasks,
    close: () => listen.close(),
  }
}

const list = (
  { rpc, server }: Hop,
  { revision, capabilities }: Introduction,
  kind: Kind,
  signal: AbortSignal | undefined,
): Promise<Listing> =>
  listPages({
    server,
    kind,
    capabilities,
    page: (method, params) =>
      rpc.request({
        id: rpc.nextId(),
        method,
        params: withMeta(params, envelope(revision, {})),
        revision,
        timeoutMs: OWN_REQUEST_MS,
        signal,
        cancellable: true,
      }),
  })

/**
 * A refusal that no modern server gives: of a session, or of the URL itself. The call has its error;
 * for later calls the era is found out anew (H-016, BR-012).
 */
function isStrange(answer: Answer): boolean {
  if (answer.kind === 'result' || answer.status === undefined) return false
  if (answer.kind === 'lost') return [400, 404, 405].includes(answer.status)
  return answer.error.code <= -32000 && answer.error.code > -32020
}

const strangeFault = (server: string): Fault =>
  upstreamFault('upstream/broken', server, 'no longer speaks the protocol it was known for.')

function modernParams(
  { params, inputResponses, requestState }: Outgoing,
  { logLevel, wantsProgress }: Exchange,
  claims: JsonObject,
  id: number,
): JsonObject {
  const meta = {
    ...claims,
    ...(logLevel === undefined ? {} : { [META.logLevel]: logLevel }),
    ...(wantsProgress ? { progressToken: id } : {}),
  }
  const whole = withMeta(params, meta)
  if (inputResponses === undefined && requestState === undefined) return whole
  return {
    ...whole,
    ...(inputResponses === undefined ? {} : { inputResponses }),
    // Byte-exact; absent stays absent, empty stays empty (I-006).
    ...(requestState === undefined ? {} : { requestState }),
  }
}

// H-028; derived from what is really sent (H-038).
function nameOf({ method, params }: Outgoing): string | undefined {
  if (method === 'completion/complete') return undefined
  const name = own(params, method === 'resources/read' ? 'uri' : 'name')
  return typeof name === 'string' ? name : undefined
}

function readAnswer(
  { server, log }: Hop,
  { method }: Outgoing,
  { capabilities }: Exchange,
  answer: Extract<Answer, { kind: 'result' | 'error' }>,
): Reply {
  if (answer.kind === 'error') return readError(server, answer)
  const { result } = answer
  const type = own(result, 'resultType')
  if (type === undefined) log.debug({ server, method }, 'no resultType; taken as complete') // AM-05
  if (type === undefined || type === 'complete') {
    return { kind: 'result', result: withoutHopMeta(result, 'resultType') }
  }
  if (type !== 'input_required') {
    // V-030. The server may have acted, so this is not an answer that was merely not understood.
    throw upstreamFault('upstream/broken', server, 'answered with a result of an unknown type.')
  }
  const round = readRound(method, result, capabilities)
  if (round.kind === 'input') return round
  throw upstreamFault('upstream/broken', server, `${round.why}.`)
}

/** Statements about this hop, which no client can do anything about (H-092): nothing was executed. */
function readError(server: string, { error, status }: Extract<Answer, { kind: 'error' }>): Reply {
  // Over stdio, and inside a 200, the codes are whatever the tool means by them (H-091).
  if (status === 400 && error.code === RPC.headerMismatch) return { kind: 'mismatch' }
  if (status === 400 && error.code === RPC.unsupportedVersion) {
    throw upstreamFault('upstream/unavailable', server, 'no longer speaks the revision it did.')
  }
  return errorReply(error)
}

function hear(
  hop: Hop,
  listen: ModernListen,
  note: RpcNotification,
  lane: number | undefined,
): void {
  const params = isObject(note.params) ? note.params : {}
  if (note.method === 'notifications/progress') relayProgress(hop, params, lane)
  else if (note.method === 'notifications/message') relayLog(hop, params, lane)
  else listen.receive(note, lane)
}
