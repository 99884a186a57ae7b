import {
  isObject,
  own,
  TASKS_EXTENSION,
  without,
  type ClientCapabilities,
  type JsonObject,
} from '@countersign/contract'
import { envelope } from './envelope.ts'
import type { Answer } from './flight.ts'
import { OWN_REQUEST_MS, type Hop } from './link.ts'
import { resultOf } from './read-reply.ts'
import { isViolation, readSeen, readTask } from './read-task.ts'
import { broken, refused, taskResult } from './task-answer.ts'
import type {
  Exchange,
  Introduction,
  Outgoing,
  Reply,
  UpstreamTaskSeen,
  UpstreamTasks,
} from './upstream.ts'

/** The tasks of a modern server with the extension `io.modelcontextprotocol/tasks`. */
export class ModernTasks implements UpstreamTasks {
  readonly #hop: Hop
  readonly #introduction: Introduction
  readonly #has: boolean
  /** Tells the link how a server answered that may not be what it was taken for. */
  readonly #judge: (answer: Answer) => Answer

  constructor(hop: Hop, introduction: Introduction, judge: (answer: Answer) => Answer) {
    const declared = own(introduction.capabilities, 'extensions')
    this.#hop = hop
    this.#introduction = introduction
    this.#has = isObject(declared) && isObject(own(declared, TASKS_EXTENSION))
    this.#judge = judge
  }

  /** True when the server may make a task of this call: both sides said that they could (TX-001). */
  mayMake({ method }: Outgoing, { takesTasks }: Exchange): boolean {
    return this.#has && takesTasks === true && method === 'tools/call' // TX-002
  }

  /** What this request declares: tasks only when one may come of it (TX-003). */
  capabilitiesOf({ capabilities }: Exchange, mayMake: boolean): ClientCapabilities {
    const { extensions = {}, ...rest } = capabilities
    const others = without(extensions, [TASKS_EXTENSION])
    const declared = mayMake ? { ...others, [TASKS_EXTENSION]: {} } : others
    return Object.keys(declared).length === 0 ? rest : { ...rest, extensions: declared }
  }

  /** The task that a call became (TX-005). */
  made(result: JsonObject): Reply {
    const task = readTask('modern', result)
    if (isViolation(task)) throw broken(this.#hop.server, `${task.why}.`)
    return { kind: 'task', task }
  }

  /** The call was given up before its task had a name: so is the task (TX-021). */
  madeLate(result: JsonObject, exchange: Exchange): void {
    const task = own(result, 'resultType') === 'task' ? readTask('modern', result) : undefined
    if (!task || isViolation(task)) return
    const signal = new AbortController().signal // The caller's has gone off.
    void this.cancel(task.id, { ...exchange, signal }).catch(() => undefined)
  }

  async see(id: string, exchange: Exchange): Promise<UpstreamTaskSeen | undefined> {
    if (!this.#has) return undefined
    const { server } = this.#hop
    const said = taskResult(this.#hop, 'tasks/get', await this.#ask('tasks/get', id, exchange))
    if (!said) return undefined
    const type = own(said, 'resultType')
    // "task" is a slip of the specification's own examples (AM-08); absent is complete (AM-05).
    if (type !== undefined && type !== 'complete' && type !== 'task') {
      throw broken(server, 'answered with a result of an unknown type.')
    }
    const seen = readSeen('modern', id, said, exchange.capabilities)
    if (isViolation(seen)) throw broken(server, `${seen.why}.`)
    return seen
  }

  async result(): Promise<Reply> {
    throw broken(this.#hop.server, 'tells what became of a task when it is looked at.')
  }

  /** The answers may take effect later (TX-016); unknown keys are ignored there (TX-017). */
  async update(id: string, inputResponses: JsonObject, exchange: Exchange): Promise<void> {
    if (!this.#has) throw broken(this.#hop.server, 'knows nothing of tasks any more.')
    const said = resultOf(await this.#ask('tasks/update', id, exchange, { inputResponses }))
    if (said.kind === 'error') throw refused(this.#hop, 'tasks/update', said.error)
  }

  async cancel(id: string, exchange: Exchange): Promise<void> {
    if (!this.#has) return
    // Over already, or unknown: there is nothing to stop (TX-019).
    taskResult(this.#hop, 'tasks/cancel', await this.#ask('tasks/cancel', id, exchange))
  }

  async #ask(
    method: string,
    taskId: string,
    exchange: Exchange,
    more: JsonObject = {},
  ): Promise<Answer> {
    const { rpc } = this.#hop
    const { revision } = this.#introduction
    const answer = await rpc.request({
      id: rpc.nextId(),
      method,
      params: {
        taskId,
        ...more,
        _meta: envelope(revision, this.capabilitiesOf(exchange, true)),
      },
      revision,
      name: taskId, // TX-028
      timeoutMs: OWN_REQUEST_MS,
      signal: exchange.signal,
      cancellable: true,
    })
    return this.#judge(answer)
  }
}
