import { commitSurely } from './commit-surely.ts'
import type { Dispatcher } from './dispatch/dispatcher.ts'
import type { Kinds } from './kinds.ts'
import type { Limits } from './limits.ts'
import type { Fence, Op, Verdict } from './ops.ts'
import type { ChildOrder, StartedChild } from './run/child.ts'
import { Context } from './run/context.ts'
import { handle } from './run/handle.ts'
import { Run, type Claimed, type RunHost } from './run/run.ts'
import { undoHandler } from './run/undoing.ts'
import type { Store } from './store.ts'
import type { Task } from './task.ts'
import { UNDO_RUN, undoRun } from './undo-run.ts'
import { elapsed, type World } from './world.ts'

/** How long a worker may be silent before others take its tasks, and how often it looks for some. */
export interface Pace {
  readonly leaseMs: number
  readonly sweepMs: number
  /** How long `close` waits for what is running. */
  readonly drainMs: number
}

/** How soon a task is offered again that this process has no handler for. */
const UNKNOWN_KIND_MS = 30_000
const SWEEP_MAX = 500
/** How long `close` waits for a disk to take what is known already. */
const SETTLE_MS = 2_000

/** What a worker is made of. */
export interface WorkerParts {
  readonly id: string
  readonly store: Store
  readonly world: World
  readonly limits: Limits
  readonly pace: Pace
  readonly kinds: Kinds
  readonly dispatcher: Dispatcher
  readonly startChild: (parent: Task, call: number, order: ChildOrder) => Promise<StartedChild>
  /** Tells that a task has changed; `ended` makes a copy of it as it stands, where that is known. */
  readonly changed: (task: string, ended?: () => Task) => void
}

/** A task that is running here. */
interface Running {
  /** Undefined when it is over. */
  run: Run | undefined
  readonly done: () => void
  /** It was asked for while its run was about to end. */
  isWanted: boolean
}

/** Claims tasks, runs them, keeps their leases, and lets them go. */
export class Worker {
  readonly #parts: WorkerParts
  readonly #host: RunHost
  readonly #runs = new Map<string, Running>()
  #isStopping = false
  #isClosed = false
  /** What a handler still does after the close can be told to nobody. */
  readonly #isOver = (): boolean => this.#isClosed
  #ticks: (() => void)[] = []

  constructor(parts: WorkerParts) {
    this.#parts = parts
    this.#host = this.#makeHost()
  }

  /** The run of a task in this process, if any. */
  find(task: string): Run | undefined {
    return this.#runs.get(task)?.run
  }

  /** The end of a lease that begins now. */
  leaseEnd(): number {
    return this.#parts.world.now() + this.#parts.pace.leaseMs
  }

  /** The same moment by the clock that does not jump: taken before the store is asked. */
  leaseEnds(): number {
    return elapsed(this.#parts.world) + this.#parts.pace.leaseMs
  }

  start(): void {
    const { pace } = this.#parts
    this.#every(pace.leaseMs / 3, () => this.#renew())
    this.#every(pace.sweepMs, () => this.#sweep())
  }

  /** Runs a task if it is due and nobody has it; resolves when this process is done with it. */
  async run(task: string): Promise<void> {
    if (this.#isStopping) return
    const running = this.#runs.get(task)
    if (running) {
      running.isWanted = true
      return
    }
    const { id: worker, world, pace, dispatcher } = this.#parts
    const at = world.now()
    const leaseEnds = this.leaseEnds()
    const verdict = await this.#commit({
      op: 'claim',
      task,
      worker,
      at,
      until: this.leaseEnd(),
    })
    if (verdict?.accepted !== true || !verdict.task) {
      // The store's clock is behind ours: ask again when it has come so far.
      const leftMs = verdict?.leftMs ?? Infinity
      if (leftMs < pace.sweepMs) dispatcher.hint(task, world.now() + Math.max(1, leftMs))
      return
    }
    const { journal = [], signals = [] } = verdict
    await this.adopt({ task: verdict.task, journal, signals }, leaseEnds)
  }

  /** Runs a task that is claimed already; resolves when this process is done with it. */
  adopt(claimed: Claimed, leaseEnds: number): Promise<void> {
    const { id: task, epoch } = claimed.task
    if (this.#isStopping) return this.giveBack([{ task, epoch }])
    return new Promise((done) => {
      const run = new Run(this.#host, claimed)
      run.leaseEnds = leaseEnds
      this.#runs.set(claimed.task.id, { run, done, isWanted: false })
      this.#begin(run, claimed.task)
    })
  }

  /** Lets others claim at once what this process holds and does not run. */
  async giveBack(fences: readonly Fence[]): Promise<void> {
    if (fences.length === 0) return
    const { store, world } = this.#parts
    const at = world.now()
    await store
      .commit(fences.map((fence) => ({ op: 'renew', ...fence, at, until: at })))
      .catch(() => undefined) // Then others wait until the lease ends.
  }

  /** Finishes what is running, for as long as `drainMs` allows, and gives the rest back at once. */
  async stop(drainMs = this.#parts.pace.drainMs): Promise<void> {
    this.#isStopping = true
    for (const off of this.#ticks) off()
    const idle = this.#all().map(
      (run) =>
        new Promise<void>((resolve) => {
          run.stop(resolve)
        }),
    )
    await this.#within(drainMs, Promise.all(idle))
    // What came to its end is on disk before the task is given away.
    const settled = Promise.all(this.#all().map(({ pen }) => pen.settled()))
    await this.#within(SETTLE_MS, settled)
    const left = this.#all()
    for (const run of left) run.lose()
    await this.giveBack(left.map(({ pen }) => pen.fence))
    this.#isClosed = true
  }

  #all(): readonly Run[] {
    return [...this.#runs.values()].flatMap(({ run }) => run ?? [])
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    let off: (() => void) | undefined
    const over = new Promise<void>((resolve) => {
      off = this.#parts.world.after(ms, resolve)
    })
    await Promise.race([work, over])
    off?.()
  }

  #begin(run: Run, task: Task): void {
    const { kinds } = this.#parts
    if (task.kind === UNDO_RUN) {
      void run.begin(() => undoRun(run))
      return
    }
    const kind = kinds.find(task.kind, task.version)
    if (!kind) {
      run.postpone(UNKNOWN_KIND_MS)
      return
    }
    if (task.undoes !== undefined) {
      void run.begin(undoHandler(run, task.undoes, this.#parts))
      return
    }
    void run.begin(() => handle(kind, new Context(run, kind.options.retry)))
  }

  #makeHost(): RunHost {
    const { world, limits, startChild, dispatcher, changed } = this.#parts
    return {
      world,
      limits,
      commit: (op) => this.#commit(op),
      startChild: (run, call, order) => startChild(run.task, call, order),
      renew: (run) => this.#renewOne(run),
      ended: (run, verdict, { dueAt, task }) => {
        const { id } = run.task
        const entry = this.#runs.get(id)
        if (entry?.run === run) {
          this.#runs.delete(id)
          // The tables that a map has outgrown are chained: what they still refer to would live
          // until the next full collection, and be copied by every small one.
          entry.run = undefined
        }
        // The task may be claimed again at once: only now, when this run is gone.
        if (entry?.isWanted === true) dispatcher.hint(id, world.now())
        if (verdict?.accepted === true) {
          if (dueAt !== undefined) dispatcher.hint(id, dueAt)
          this.tell(verdict)
        }
        changed(id, task)
        entry?.done()
      },
    }
  }

  /** Passes on which tasks an op has made due. */
  tell(verdict: Verdict): void {
    const { dispatcher, world, changed } = this.#parts
    for (const task of verdict.due ?? []) {
      const run = this.find(task)
      if (run && !run.isEnded) void this.poke(run)
      else dispatcher.hint(task, world.now())
      changed(task)
    }
  }

  /** Looks for signals of a task that is running here. */
  async poke(run: Run): Promise<void> {
    try {
      const { signals, inbox } = await this.#parts.store.signals(run.task.id)
      run.deliver(signals, inbox)
    } catch {
      // It will see them when it lets go of the task: the store counts them.
    }
  }

  #commit(op: Op): Promise<Verdict | undefined> {
    const { store, world, pace } = this.#parts
    const isOver = this.#isOver
    return isOver()
      ? Promise.resolve(undefined)
      : commitSurely(store, world, op, pace.leaseMs, isOver)
  }

  async #renewOne(run: Run): Promise<boolean> {
    const at = this.#parts.world.now()
    const leaseEnds = this.leaseEnds()
    const op = { op: 'renew', ...run.pen.fence, at, until: this.leaseEnd() } as const
    const isHeld = (await this.#commit(op))?.accepted === true
    if (isHeld) run.leaseEnds = leaseEnds
    else run.lose()
    return isHeld
  }

  #every(ms: number, tick: () => Promise<void>): void {
    const at = this.#ticks.length
    const again = (): void => {
      if (this.#isStopping) return
      this.#ticks[at] = this.#parts.world.after(ms, () => {
        void tick()
          .catch(() => undefined) // A store that is away is asked again with the next tick.
          .then(again)
      })
    }
    this.#ticks.push(() => undefined)
    again()
  }

  async #renew(): Promise<void> {
    const runs = this.#all()
    if (runs.length === 0) return
    const at = this.#parts.world.now()
    const until = this.leaseEnd()
    const leaseEnds = this.leaseEnds()
    const ops = runs.map(({ pen }) => ({ op: 'renew', ...pen.fence, at, until }) as const)
    const verdicts = await this.#parts.store.commit(ops)
    for (const [place, run] of runs.entries()) {
      if (verdicts[place]?.accepted === true) run.leaseEnds = leaseEnds
      else run.lose()
    }
  }

  /** Finds what is due and was not hinted at, or was hinted at to a process that died. */
  async #sweep(): Promise<void> {
    const { store, world, limits, dispatcher } = this.#parts
    const now = world.now()
    for (const { id } of await store.due(now, SWEEP_MAX)) {
      if (!this.#runs.has(id)) dispatcher.hint(id, now)
    }
    const error = JSON.stringify({
      name: 'TaskFault',
      code: 'task/expired',
      message: 'The task outlived its time to live.',
    })
    const op = { op: 'sweep', at: now, graceMs: limits.graceMs, error, limit: SWEEP_MAX } as const
    const [verdict] = await store.commit([op])
    if (!verdict) return
    for (const id of verdict.expired ?? []) {
      this.find(id)?.lose()
      this.#parts.changed(id)
    }
    this.tell(verdict)
  }
}
