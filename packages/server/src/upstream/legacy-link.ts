import {
  isObject,
  own,
  without,
  type JsonObject,
  type Kind,
  type RpcNotification,
} from '@countersign/contract'
import { ElicitationOwners } from './elicitation-owners.ts'
import { withMeta, withoutHopMeta } from './hop-meta.ts'
import { LegacyTasks } from './legacy-tasks.ts'
import { LegacyWatch } from './legacy-watch.ts'
import { OWN_REQUEST_MS, type Hop, type Link } from './link.ts'
import { listPages } from './list-pages.ts'
import { emitChange, relayLog, relayProgress } from './notes.ts'
import { Questions } from './questions.ts'
import { errorReply, NO_COMPLETIONS, resultOf } from './read-reply.ts'
import type { Exchange, Introduction, Listing, Outgoing, Reply } from './upstream.ts'

/** A server of the `initialize` era, after the handshake. */
export function makeLegacyLink(hop: Hop, introduction: Introduction): Link {
  const { rpc } = hop
  const { revision, capabilities } = introduction
  const owners = new ElicitationOwners()
  const questions = new Questions(hop, revision, owners)
  const watch = new LegacyWatch(hop, introduction)
  const tasks = new LegacyTasks({ hop, introduction, questions, owners, watch })
  rpc.listen({
    request: (asked, lane) => questions.receive(asked, lane),
    notification: (note, lane) => hear({ hop, questions, owners, tasks }, note, lane),
    expired: hop.expired,
    gap: () => watch.gap(),
    ended: hop.ended,
  })

  const call = async (outgoing: Outgoing, exchange: Exchange): Promise<Reply> => {
    if (outgoing.method === 'completion/complete' && !own(capabilities, 'completions')) {
      return NO_COMPLETIONS
    }
    const id = rpc.nextId()
    const asksTask = tasks.canMake(outgoing)
    const params = legacyParams(outgoing, exchange, introduction, id)
    const answer = await rpc.request({
      id,
      method: outgoing.method,
      params: asksTask ? withTask(params, outgoing) : params,
      revision,
      timeoutMs: hop.callTimeoutMs,
      signal: exchange.signal,
      exchange,
      ...(asksTask ? { late: tasks.madeLate } : {}),
      cancellable: true,
    })
    const said = resultOf(answer)
    if (said.kind === 'result') {
      const made = asksTask ? tasks.made(id, said.result, exchange) : undefined
      return made ?? { kind: 'result', result: withoutHopMeta(said.result) }
    }
    owners.required(said.error, exchange)
    return errorReply(said.error)
  }

  return {
    introduction,
    call,
    list: (kind, signal) => list(hop, introduction, kind, signal),
    watch: (wanted) => watch.apply(wanted),
    tasks,
    close: () => {
      questions.close()
      watch.close()
    },
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
        params,
        revision,
        timeoutMs: OWN_REQUEST_MS,
        signal,
        cancellable: true,
      }),
  })

function legacyParams(
  { method, params }: Outgoing,
  { wantsProgress }: Exchange,
  { revision }: Introduction,
  id: number,
): JsonObject {
  // `context` came with 2025-06-18 (V-006).
  const old = method === 'completion/complete' && revision === '2025-03-26'
  const known = old ? without(params, ['context']) : params
  // No token, no progress (P-004). The token is ours: ids are unique here (BR-001).
  return wantsProgress ? withMeta(known, { progressToken: id }) : known
}

/** TL-007. */
const withTask = (params: JsonObject, { task }: Outgoing): JsonObject =>
  task ? { ...params, task: { ttl: Math.max(1, Math.trunc(task.ttlMs)) } } : params

interface Ears {
  readonly hop: Hop
  readonly questions: Questions
  readonly owners: ElicitationOwners
  readonly tasks: LegacyTasks
}

function hear(
  { hop, questions, owners, tasks }: Ears,
  note: RpcNotification,
  lane: number | undefined,
): void {
  const params = isObject(note.params) ? note.params : {}
  switch (note.method) {
    case 'notifications/progress':
      relayProgress(hop, params, lane, (token) => tasks.taskOf(token))
      return
    case 'notifications/message':
      relayLog(hop, params, lane)
      return
    case 'notifications/cancelled': {
      const id = own(params, 'requestId')
      if (typeof id === 'string' || typeof id === 'number') questions.withdraw(id)
      return
    }
    case 'notifications/tasks/status':
      tasks.changed(params)
      return
    case 'notifications/elicitation/complete':
      owners.complete(params)
      return
    default:
      if (!emitChange(hop, note)) {
        hop.log.debug({ server: hop.server, method: note.method }, 'unknown notification; dropped')
      }
  }
}
