import type { Json } from '@countersign/contract'
import { commitSurely } from './commit-surely.ts'
import { Creator } from './creator.ts'
import { fromCursor, toCursor } from './cursor.ts'
import type { Dispatcher, RunTask } from './dispatch/dispatcher.ts'
import { localDispatcher } from './dispatch/local.ts'
import type { Entry } from './journal.ts'
import { Kinds } from './kinds.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { TaskFault } from './fault.ts'
import { isFinal, type TaskState } from './machine.ts'
import { checkName, checkSignal, isId } from './names.ts'
import type { Op } from './ops.ts'
import type { Order } from './order.ts'
import { Places } from './places.ts'
import { notFound, toFault } from './refusals.ts'
import { readJournal } from './run/calls.ts'
import type { Handler, KindOptions } from './run/types.ts'
import { toText } from './run/value.ts'
import { toSettleOp, type Settlement } from './settle.ts'
import type { Store } from './store.ts'
import type { Task, TaskPage } from './task.ts'
import { UNDO_RUN } from './undo-run.ts'
import { Watchers } from './watchers.ts'
import { Worker, type Pace } from './worker.ts'
import { newId, systemWorld, type World } from './world.ts'

/** What an engine is made of. Only the store is needed. */
export interface EngineOptions {
  readonly store: Store
  /** Default: a heap in this process. */
  readonly dispatcher?: Dispatcher
  readonly world?: World
  readonly limits?: Partial<Limits>
  readonly pace?: Partial<Pace>
  /**
   * Tasks run at the same time in this process. Default 256; more of them wait their turn. With
   * another dispatcher only those that are run where they are created: it counts for itself.
   */
  readonly concurrency?: number
}

/** Thirty seconds of silence are a dead worker; a lost hint costs five. */
const DEFAULT_PACE: Pace = { leaseMs: 30_000, sweepMs: 5_000, drainMs: 10_000 }
const PAGE_MAX = 500
const PAGE = 50
const DUE_PAGE = 1_000
/** How long a decision is tried while the store fails; then whoever decided is told. */
const DECIDE_MS = 2_000
const REMIND_MS = 2_000

/** Which tasks to list. */
export interface Listing {
  readonly owner?: string
  readonly run?: string
  readonly states?: readonly TaskState[]
  /** 1 to 500, default 50. */
  readonly limit?: number
  readonly cursor?: string
}

/** Durable tasks: created once, run to their end whatever dies meanwhile, asked about by anyone. */
export class Engine {
  readonly #store: Store
  readonly #world: World
  readonly #limits: Limits
  readonly #kinds = new Kinds()
  readonly #watchers = new Watchers()
  readonly #dispatcher: Dispatcher
  readonly #worker: Worker
  readonly #creator: Creator
  readonly #places: Places
  readonly #runDispatched: RunTask
  #isRunning = false
  #stopListening: (() => Promise<void>) | undefined
  #stopReminding: (() => void) | undefined

  constructor(options: EngineOptions) {
    this.#store = options.store
    this.#world = options.world ?? systemWorld
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    const { concurrency = 256 } = options
    this.#places = new Places(concurrency)
    this.#dispatcher = options.dispatcher ?? localDispatcher(this.#world, concurrency)
    this.#runDispatched = options.dispatcher
      ? (task) => this.#worker.run(task)
      : (task) => this.#places.during(() => this.#worker.run(task))
    const workerId = newId(this.#world)
    this.#worker = new Worker({
      id: workerId,
      store: this.#store,
      world: this.#world,
      limits: this.#limits,
      pace: { ...DEFAULT_PACE, ...options.pace },
      kinds: this.#kinds,
      dispatcher: this.#dispatcher,
      startChild: (parent, call, order) => this.#creator.startChild(parent, call, order),
      changed: (task, ended) => {
        this.#watchers.tell(task, ended)
      },
    })
    this.#creator = new Creator({
      store: this.#store,
      world: this.#world,
      limits: this.#limits,
      kinds: this.#kinds,
      dispatcher: this.#dispatcher,
      worker: () => this.#worker,
      workerId,
      takePlace: () => this.#isRunning && this.#places.take(),
      leavePlace: this.#places.leave,
    })
    this.#kinds.define(UNDO_RUN, { handler: () => undefined, options: {} })
  }

  /** Says how tasks of a kind are done. Define every kind, in every version in use, before `start`. */
  define<Input = Json>(kind: string, handler: Handler<Input>, options: KindOptions = {}): void {
    if (kind === UNDO_RUN) throw new TaskFault('task/bad-name', `${kind} is the engine's own kind.`)
    if (options.version) checkName('A version', options.version)
    // The input of a task is JSON; what more a handler knows of it, its callers must have checked.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    this.#kinds.define(checkName('A kind', kind), { handler: handler as Handler, options })
  }

  /** Takes up what an earlier process left, and begins to work. */
  async start(): Promise<void> {
    if (this.#store.isExclusive) {
      await this.#store.commit([{ op: 'takeover', at: this.#world.now() }])
    }
    this.#isRunning = true
    await this.#dispatcher.start(this.#runDispatched)
    this.#stopListening = await this.#store.changes?.((tasks) => {
      void this.#heard(tasks)
    })
    let after: Awaited<ReturnType<Store['due']>>[number] | undefined
    do {
      const page = await this.#store.due(Number.MAX_SAFE_INTEGER, DUE_PAGE, after)
      for (const { id, dueAt } of page) this.#dispatcher.hint(id, dueAt)
      after = page.length < DUE_PAGE ? undefined : page.at(-1)
    } while (after)
    this.#worker.start()
    this.#remind()
  }

  /**
   * Creates a task and resolves once it is durable. The same id or key gives the same task.
   *
   * @throws TaskFault for bad names and values, limits, and a store that cannot be written; then the
   * task may exist all the same, and creating it again with the same key is safe.
   */
  async create(order: Order): Promise<Task> {
    const task = await this.#creator.create(order)
    this.#watchers.tell(task.id)
    return task
  }

  /** A task, or undefined when there is none or, with `owner`, when it is somebody else's. */
  async get(id: string, owner?: string): Promise<Task | undefined> {
    const task = await this.#find(id)
    return task && (owner === undefined || task.owner === owner) ? task : undefined
  }

  /** One page of tasks, newest first. @throws TaskFault `task/bad-cursor`. */
  async list({ cursor, limit = PAGE, ...rest }: Listing): Promise<TaskPage> {
    const size = Math.max(1, Math.min(PAGE_MAX, Math.trunc(limit) || PAGE))
    if (rest.owner !== undefined) checkName('An owner', rest.owner)
    if (rest.run !== undefined) checkName('A run', rest.run)
    const after = cursor === undefined ? {} : { after: fromCursor(cursor) }
    const found = await this.#store.list({ ...rest, ...after, limit: size + 1 })
    const tasks = found.slice(0, size)
    const last = tasks.at(-1)
    return found.length > size && last ? { tasks, next: toCursor(last) } : { tasks }
  }

  /** How many tasks there are in each state that is not final; undefined where the store cannot tell. */
  async countOpen(): Promise<Readonly<Partial<Record<TaskState, number>>> | undefined> {
    return this.#store.countOpen?.()
  }

  /** Everything that is recorded of a task, in order. */
  async journal(id: string): Promise<readonly Entry[]> {
    return isId(id) ? await this.#store.journal(id) : []
  }

  /** Resolves when the task is final or its outcome is unknown. @throws TaskFault `task/not-found`. */
  async finished(id: string, signal?: AbortSignal): Promise<Task> {
    for (;;) {
      signal?.throwIfAborted()
      const change = Promise.withResolvers<(() => Task) | undefined>()
      const off = this.#watchers.addTo(id, change.resolve)
      const stop = (): void => {
        change.resolve(undefined)
      }
      signal?.addEventListener('abort', stop)
      try {
        // While it runs here there is nothing to read: the run tells when it ends.
        const task = this.#worker.find(id) ? undefined : await this.#must(id)
        if (task && (isFinal(task.state) || task.state === 'unknown')) return task
        const ended = await change.promise
        if (ended) return ended()
      } finally {
        off()
        signal?.removeEventListener('abort', stop)
      }
    }
  }

  /** Calls `listener` with the id of each task that changed, as far as this process learns of it. */
  watch(listener: (task: string) => void): () => void {
    return this.#watchers.add(listener)
  }

  /** Ends a task for ever, and its children with it. What still comes is only noted. */
  async cancel(id: string, reason = 'It was cancelled.'): Promise<Task> {
    const error = { name: 'TaskFault', code: 'task/cancelled', message: reason }
    const op = { op: 'cancel', task: id, at: this.#world.now() } as const
    await this.#decide({ ...op, error: JSON.stringify(error) })
    this.#worker.find(id)?.lose()
    const { calls } = readJournal(await this.#store.journal(id))
    for (const { opened, outcome } of calls.values()) {
      const child = outcome ? undefined : opened?.['child']
      if (typeof child === 'string') await this.cancel(child, reason).catch(ignoreOver)
    }
    return await this.#must(id)
  }

  /**
   * Leaves a message that the task's `wait` of this name gets, now or later, once. The same
   * `signalId` counts once. With `isExpected` it is refused unless the task waits for it.
   *
   * @throws TaskFault `task/not-found`, `task/illegal`, `task/not-waiting`, `task/inbox-full`.
   */
  async signal(
    id: string,
    name: string,
    payload: unknown,
    { signalId = newId(this.#world), isExpected = false } = {},
  ): Promise<void> {
    await this.#decide({
      op: 'signal',
      task: id,
      at: this.#world.now(),
      id: checkSignal('The id of a signal', signalId),
      name: checkSignal('The name of a signal', name),
      payload: toText(payload, this.#limits.inputBytesMax, 'task/input-too-large'),
      expected: isExpected,
      inboxMax: this.#limits.inboxMax,
    })
    const run = this.#worker.find(id)
    if (run) await this.#worker.poke(run)
  }

  /** Says what happened where nobody could know. @throws TaskFault `task/illegal`, `task/not-found`. */
  async settle(id: string, settlement: Settlement, attempt?: string): Promise<Task> {
    const task = await this.#must(id)
    if (task.state !== 'unknown') {
      throw toFault({ accepted: false, why: 'illegal', state: task.state })
    }
    const journal = await this.#store.journal(id)
    const settling = { task, journal, settlement, attempt, at: this.#world.now() }
    await this.#decide(toSettleOp(settling, this.#limits))
    return await this.#must(id)
  }

  /** Takes back, in a task of its own, what a final task completed. Once per task. */
  async undo(id: string): Promise<Task> {
    return await this.#creator.undo(await this.#must(id))
  }

  /** Takes back all tasks of a run, the newest first, in a task of its own. */
  async undoRun(run: string, owner: string): Promise<Task> {
    const tasks: string[] = []
    let cursor: string | undefined
    do {
      const page = await this.list({ owner, run, limit: PAGE_MAX, ...(cursor ? { cursor } : {}) })
      const own = page.tasks.filter(({ undoes, kind }) => undoes === undefined && kind !== UNDO_RUN)
      tasks.push(...own.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== undefined)
    return await this.create({ kind: UNDO_RUN, owner, run, key: `undo-run:${run}`, input: tasks })
  }

  /**
   * Lets what is running come to rest, for `drainMs` or as long as the pace says, gives the rest back,
   * and closes the store.
   */
  async close(drainMs?: number): Promise<void> {
    this.#isRunning = false
    this.#stopReminding?.()
    await this.#dispatcher.stop()
    await this.#worker.stop(drainMs)
    await this.#stopListening?.()
    await this.#store.close()
  }

  /**
   * Deletes what is final of an owner and was created up to then, with all that was recorded of it;
   * returns how many tasks that were. What is not over stays.
   */
  async forget(owner: string, before: number): Promise<number> {
    const op = {
      op: 'forget',
      owner: checkName('An owner', owner),
      before,
      limit: PAGE_MAX,
    } as const
    for (let total = 0; ;) {
      // Between two of them others have their turn.
      // oxlint-disable-next-line eslint/no-await-in-loop
      const [verdict] = await this.#store.commit([op])
      total += verdict?.deleted ?? 0
      if ((verdict?.deleted ?? 0) < PAGE_MAX) return total
    }
  }

  async #find(id: string): Promise<Task | undefined> {
    return isId(id) ? await this.#store.get(id) : undefined
  }

  async #must(id: string): Promise<Task> {
    const task = await this.#find(id)
    if (!task) throw notFound()
    return task
  }

  /** Commits what somebody outside has decided. @throws TaskFault when it is refused. */
  async #decide(op: Op & { readonly task: string }): Promise<void> {
    if (!isId(op.task)) throw notFound()
    const verdict = await commitSurely(this.#store, this.#world, op, DECIDE_MS)
    if (verdict?.accepted !== true) throw toFault(verdict)
    this.#worker.tell(verdict)
    this.#watchers.tell(op.task)
  }

  /** Another process has changed these tasks. */
  async #heard(tasks: readonly string[]): Promise<void> {
    for (const id of tasks) {
      this.#watchers.tell(id)
      const run = this.#worker.find(id)
      if (!run) continue
      await this.#worker.poke(run)
      const task = await this.#store.get(id).catch(() => undefined)
      if (task && task.epoch > run.task.epoch) run.lose()
    }
  }

  /** Where changes elsewhere are not announced, or an announcement was lost. */
  #remind(): void {
    this.#stopReminding = this.#world.after(REMIND_MS, () => {
      this.#watchers.remind()
      this.#remind()
    })
  }
}

/** A child that is over, or whose outcome nobody knows, cannot be cancelled; all else is told. */
function ignoreOver(error: unknown): void {
  const isOver =
    error instanceof TaskFault && (error.code === 'task/illegal' || error.code === 'task/not-found')
  if (!isOver) throw error
}
