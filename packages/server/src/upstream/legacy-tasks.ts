import { isObject, own, type JsonObject } from '@countersign/contract'
import type { ElicitationOwners } from './elicitation-owners.ts'
import type { Answer } from './flight.ts'
import { withoutHopMeta } from './hop-meta.ts'
import type { LegacyWatch } from './legacy-watch.ts'
import { OWN_REQUEST_MS, type Hop } from './link.ts'
import type { Questions } from './questions.ts'
import { errorReply, resultOf } from './read-reply.ts'
import { isOfAnotherTask, isViolation, readSeen, readTask } from './read-task.ts'
import { broken, taskResult } from './task-answer.ts'
import type {
  Exchange,
  Introduction,
  Outgoing,
  Reply,
  UpstreamTaskSeen,
  UpstreamTasks,
} from './upstream.ts'

/**
 * The longest that one request waits for a task. Waiting again costs nothing and loses nothing, and
 * tells a server that is at work from a connection that died in silence.
 */
const RESULT_MS = 3_600_000
/** Tasks whose progress is still told apart by the token of the call that made them. */
const TOKENS_MAX = 1_000

interface Rooms {
  readonly hop: Hop
  readonly introduction: Introduction
  readonly questions: Questions
  readonly owners: ElicitationOwners
  readonly watch: LegacyWatch
}

/** The tasks of a server of 2025-11-25. */
export class LegacyTasks implements UpstreamTasks {
  readonly #rooms: Rooms
  readonly #capability: JsonObject | undefined
  /** By progress token, which is the id of the call that made the task (TL-028). */
  readonly #tokens = new Map<number, string>()

  constructor(rooms: Rooms) {
    this.#rooms = rooms
    this.#capability = capabilityOf(rooms.introduction)
  }

  /** True when this call can be made a task of: the server said so, and only of tool calls (TL-003). */
  canMake({ method, task }: Outgoing): boolean {
    const requests = own(this.#capability ?? {}, 'requests')
    const tools = isObject(requests) ? own(requests, 'tools') : undefined
    return (
      task !== undefined && method === 'tools/call' && isObject(tools) && hasPart(tools, 'call')
    )
  }

  /**
   * What came of a call that asked for a task: the task, or undefined when the server just did it
   * (TL-006).
   */
  made(id: number, result: JsonObject, exchange: Exchange): Reply | undefined {
    const said = own(result, 'task')
    if (said === undefined) return undefined
    const task = readTask('legacy', said)
    if (isViolation(task)) {
      // A plain result may have members of its own.
      if (own(result, 'content') !== undefined) return undefined
      throw broken(this.#rooms.hop.server, `${task.why}.`)
    }
    if (exchange.wantsProgress) this.#remember(id, task.id)
    return { kind: 'task', task }
  }

  /** The call was given up before its task had a name: so is the task (TX-021). */
  readonly madeLate = (result: JsonObject): void => {
    const task = readTask('legacy', own(result, 'task'))
    if (!isViolation(task)) void this.#cancel(task.id, undefined).catch(() => undefined)
  }

  taskOf(token: number): string | undefined {
    return this.#tokens.get(token)
  }

  /** TL-019. Some servers say so on the way; nobody relies on it. */
  changed(params: JsonObject): void {
    const task = readTask('legacy', params)
    if (!isViolation(task)) this.#rooms.hop.emit({ kind: 'task', id: task.id })
  }

  async see(id: string, exchange: Exchange): Promise<UpstreamTaskSeen | undefined> {
    if (!this.#capability) return undefined // TL-003
    const { hop } = this.#rooms
    const answer = await this.#ask('tasks/get', id, exchange.signal)
    const said = taskResult(hop, 'tasks/get', answer)
    const seen = said && readSeen('legacy', id, said, exchange.capabilities)
    if (!seen) this.#forget(id)
    else if (isViolation(seen)) throw broken(hop.server, `${seen.why}.`)
    else if (seen.end) this.#forget(id)
    return seen
  }

  async result(id: string, exchange: Exchange): Promise<Reply> {
    const { hop, introduction, questions, owners, watch } = this.#rooms
    if (!this.#capability) throw broken(hop.server, 'knows nothing of tasks any more.')
    const { rpc } = hop
    const over = watch.wait()
    try {
      const waiting = rpc.request({
        id: rpc.nextId(),
        method: 'tasks/result',
        // Naming the task a second time would make v1 servers queue the answer (BR-055).
        params: { taskId: id },
        revision: introduction.revision,
        timeoutMs: RESULT_MS,
        signal: exchange.signal,
        exchange,
        task: id,
        cancellable: true, // This ends the waiting, not the task (TL-023).
      })
      questions.resume(id)
      const said = resultOf(await waiting)
      this.#forget(id)
      if (said.kind === 'error') {
        owners.required(said.error, exchange)
        return errorReply(said.error)
      }
      if (isOfAnotherTask(said.result, id)) {
        throw broken(hop.server, 'answered with the result of another task.')
      }
      return { kind: 'result', result: withoutHopMeta(said.result) }
    } finally {
      over()
    }
  }

  async update(): Promise<void> {
    throw broken(this.#rooms.hop.server, 'takes no answers about tasks but to its own questions.')
  }

  cancel(id: string, { signal }: Exchange): Promise<void> {
    return this.#cancel(id, signal)
  }

  async #cancel(id: string, signal: AbortSignal | undefined): Promise<void> {
    this.#forget(id)
    const { hop } = this.#rooms
    if (!this.#capability || !hasPart(this.#capability, 'cancel')) {
      hop.log.debug({ server: hop.server }, 'a task cannot be cancelled there; it goes on')
      return
    }
    // Over already, or unknown: there is nothing to stop (TL-022, TL-024).
    taskResult(hop, 'tasks/cancel', await this.#ask('tasks/cancel', id, signal))
  }

  #ask(method: string, taskId: string, signal: AbortSignal | undefined): Promise<Answer> {
    const { rpc } = this.#rooms.hop
    return rpc.request({
      id: rpc.nextId(),
      method,
      params: { taskId }, // BR-055
      revision: this.#rooms.introduction.revision,
      timeoutMs: OWN_REQUEST_MS,
      signal,
      cancellable: true,
    })
  }

  #remember(token: number, task: string): void {
    this.#tokens.set(token, task)
    const [oldest] = this.#tokens.keys()
    if (this.#tokens.size > TOKENS_MAX && oldest !== undefined) this.#tokens.delete(oldest)
  }

  #forget(id: string): void {
    this.#rooms.questions.forget(id)
    for (const [token, task] of this.#tokens) if (task === id) this.#tokens.delete(token)
  }
}

const hasPart = (of: JsonObject, part: string): boolean => isObject(own(of, part))

/** `tasks` came with 2025-11-25, and went with it (TL-001). */
function capabilityOf({ revision, capabilities }: Introduction): JsonObject | undefined {
  const declared = own(capabilities, 'tasks')
  return revision === '2025-11-25' && isObject(declared) ? declared : undefined
}
