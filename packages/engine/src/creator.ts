import { commitSurely } from './commit-surely.ts'
import type { Dispatcher } from './dispatch/dispatcher.ts'
import { TaskFault } from './fault.ts'
import type { Kinds } from './kinds.ts'
import type { Limits } from './limits.ts'
import { isFinal } from './machine.ts'
import type { NewTask } from './ops.ts'
import { toBorn, toNewTask, type Birth, type Order } from './order.ts'
import { notFound, toFault } from './refusals.ts'
import type { ChildOrder, StartedChild } from './run/child.ts'
import type { Store } from './store.ts'
import type { Task } from './task.ts'
import type { Worker } from './worker.ts'
import { toMs, type World } from './world.ts'

/** How long a creation is tried while the store fails; then the caller is told. */
const CREATE_MS = 2_000

/** What creating takes. */
export interface CreatorParts {
  readonly store: Store
  readonly world: World
  readonly limits: Limits
  readonly kinds: Kinds
  readonly dispatcher: Dispatcher
  readonly worker: () => Worker
  readonly workerId: string
  /** Takes a place to run a new task here at once, without a dispatcher, if there is one. */
  readonly takePlace: () => boolean
  readonly leavePlace: () => void
}

/** On whose behalf a task is created. */
export interface Behalf {
  /** A claimed task that waits for the new one. */
  readonly parent?: Task
  /** The final task that the new one takes back. */
  readonly undoes?: Task
}

/** Creates tasks, once each, and starts them. */
export class Creator {
  readonly #parts: CreatorParts

  constructor(parts: CreatorParts) {
    this.#parts = parts
  }

  /** Creates a task, or finds the one that the same id or key means. */
  async create(order: Order, behalf: Behalf = {}): Promise<Task> {
    const { store, world, limits } = this.#parts
    const leaseEnds = this.#parts.worker().leaseEnds()
    const birth = this.#birth(order, behalf)
    const row = this.#write(order, birth)
    const { parent } = behalf
    const by = parent ? { task: parent.id, epoch: parent.epoch } : null
    const op = { op: 'create', task: row, by, ownerOpenMax: limits.ownerOpenMax } as const
    const verdict = await commitSurely(store, world, op, CREATE_MS)
    if (verdict?.accepted === true) return this.#start(row, leaseEnds)
    if (row.worker !== null) this.#parts.leavePlace()
    if (verdict?.why !== 'exists' || !verdict.task) throw toFault(verdict)
    if (!isSameWork(verdict.task, row)) throw toFault(verdict)
    await this.#offer(verdict.task)
    return verdict.task
  }

  /** Starts a child for a call of its parent: once, however often the parent asks. */
  async startChild(parent: Task, call: number, order: ChildOrder): Promise<StartedChild> {
    const { owner, run } = parent
    const shared = { owner, input: order.input, ...(run === undefined ? {} : { run }) }
    const { deadlineMs, metadata } = order
    const wishes = {
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...(metadata === undefined ? {} : { metadata }),
    }
    try {
      if (order.undoes !== undefined) return await this.#startUndo(parent, order.undoes)
      const key = `child:${parent.id}:${String(call)}`
      const child = await this.create({ ...shared, ...wishes, kind: order.kind, key }, { parent })
      return { child: child.id }
    } catch (error) {
      if (!(error instanceof TaskFault)) throw error
      return error.code === 'store/unavailable' || error.code === 'task/illegal'
        ? undefined
        : { fault: error }
    }
  }

  /** The task that takes back a final one: one for each, whoever asks. */
  async undo(undoes: Task, parent?: Task): Promise<Task> {
    if (!isFinal(undoes.state)) {
      throw toFault({ accepted: false, why: 'illegal', state: undoes.state })
    }
    const { kind, owner, run, id } = undoes
    const order = { kind, owner, key: `undo:${id}`, ...(run === undefined ? {} : { run }) }
    return await this.create(order, { undoes, ...(parent ? { parent } : {}) })
  }

  async #startUndo(parent: Task, id: string): Promise<StartedChild> {
    const undoes = await this.#parts.store.get(id)
    if (!undoes) return { fault: notFound() }
    if (!isFinal(undoes.state)) {
      return { fault: new TaskFault('task/illegal', `The task ${id} is ${undoes.state}.`) }
    }
    const task = await this.undo(undoes, parent)
    if (task.parent === parent.id) return { child: task.id }
    // Somebody else has asked for the same: their task will not tell this parent.
    if (task.state === 'completed') return { result: task.result ?? null }
    return { fault: new TaskFault('task/illegal', `The task ${id} is being undone already.`) }
  }

  #write(order: Order, birth: Birth): NewTask {
    try {
      return toNewTask(order, birth, this.#parts.world, this.#parts.limits)
    } catch (fault) {
      if (birth.worker !== null) this.#parts.leavePlace()
      throw fault
    }
  }

  #birth(order: Order, { parent, undoes }: Behalf): Birth {
    const { kinds, worker, workerId, world, takePlace } = this.#parts
    const version = undoes?.version ?? kinds.latest(order.kind)
    if (version === undefined) {
      throw new TaskFault('task/unknown-kind', `No handler is defined for ${order.kind}.`)
    }
    const kin = { version, parent: parent?.id ?? null, undoes: undoes?.id ?? null }
    // A child may be claimed by whoever has time: its parent is busy with waiting.
    if (!parent && order.delayMs === undefined && takePlace()) {
      return { ...kin, worker: workerId, dueAt: worker().leaseEnd() }
    }
    return { ...kin, worker: null, dueAt: world.now() + toMs('delayMs', order.delayMs ?? 0) }
  }

  #start(row: NewTask, leaseEnds: number): Task {
    const { worker, dispatcher, leavePlace } = this.#parts
    const task = toBorn(row)
    if (task.worker === undefined) dispatcher.hint(task.id, task.dueAt ?? task.createdAt)
    else {
      const claimed = { task, row, journal: [], signals: [] }
      void worker().adopt(claimed, leaseEnds).then(leavePlace)
    }
    return task
  }

  /**
   * A task that was there already may be ours and not run: its first answer was lost, or its run
   * was. It is claimed anew, with all that is recorded of it.
   */
  async #offer({ id, state, worker, epoch, dueAt }: Task): Promise<void> {
    const { workerId, dispatcher, world } = this.#parts
    if (state !== 'working' || this.#parts.worker().find(id)) return
    if (worker === workerId) {
      await this.#parts.worker().giveBack([{ task: id, epoch }])
      dispatcher.hint(id, world.now())
    } else if (epoch === 0) {
      dispatcher.hint(id, dueAt ?? world.now())
    }
  }
}

const isSameWork = (task: Task, row: NewTask): boolean =>
  task.kind === row.kind && task.owner === row.owner && JSON.stringify(task.input) === row.input
