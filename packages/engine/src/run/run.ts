import type { Json } from '@countersign/contract'
import { RecordedError, TaskFault, toFailure, type TaskFailure } from '../fault.ts'
import type { Entry, EntrySubject, Signal } from '../journal.ts'
import type { Limits } from '../limits.ts'
import { checkName } from '../names.ts'
import type { FinishOp, NewTask, SuspendOp, Verdict } from '../ops.ts'
import { toEnded } from '../order.ts'
import type { Task } from '../task.ts'
import { elapsed, later, soon, type World } from '../world.ts'
import { isHarmful, newCall, readJournal, type Call } from './calls.ts'
import type { ChildOrder, StartedChild } from './child.ts'
import { Mailbox } from './mailbox.ts'
import { Parking, type ParkFor } from './parking.ts'
import { Pen, type Along, type CommitSurely } from './pen.ts'
import { Replay } from './replay.ts'
import { gone, missingCall, otherCall, unknownOutcome } from './run-faults.ts'
import { Turns } from './turns.ts'
import { toRecorded, toText, toWaitsText } from './value.ts'

/** What a run needs of the engine around it. */
export interface RunHost {
  readonly world: World
  readonly limits: Limits
  readonly commit: CommitSurely
  /** Starts the child of this call, once; undefined when the task is lost. */
  readonly startChild: (run: Run, call: number, order: ChildOrder) => Promise<StartedChild>
  /** Asks the store whether the task is still ours, and keeps it if so. */
  readonly renew: (run: Run) => Promise<boolean>
  /** Called once, when the run holds nothing any more. */
  readonly ended: (run: Run, verdict: Verdict | undefined, left: Left) => void
}

/** How a run has left its task. */
export interface Left {
  /** When a timer wakes the task. */
  readonly dueAt?: number | undefined
  /** Makes a copy of the task as it stands, where that is known without reading it. */
  readonly task?: (() => Task) | undefined
}

/** A task that was claimed, with all that is recorded of it. */
export interface Claimed {
  readonly task: Task
  readonly journal: readonly Entry[]
  readonly signals: readonly Signal[]
  /** The row of a task in its first life. */
  readonly row?: NewTask
}

/** Where the journal of a run that only reads ends, or that it cannot be followed. */
export type Edge = (fault?: TaskFault) => void

/** How long a handler may do something else than what the journal says it did next. */
const STUCK_MS = 5_000

/**
 * One life of a task in one process: from claim until it is finished, waits, or is lost. When it
 * waits, the run and everything the handler holds is garbage; waking starts a new run.
 */
export class Run {
  readonly task: Task
  readonly host: RunHost
  readonly pen: Pen
  readonly mailbox: Mailbox
  readonly #replay: Replay
  readonly #turns: Turns
  readonly #calls: Map<number, Call>
  readonly #bodies = new Set<Call>()
  readonly #gives = new Map<Call, () => void>()
  readonly #parking = new Parking()
  /** Set for a run that only reads a journal. */
  readonly #edge: Edge | undefined
  readonly #row: NewTask | undefined
  /** When the lease ends, by the clock that does not jump. */
  leaseEnds = Infinity
  #count = 0
  #active = 0
  #outstanding = 0
  #now: number
  #isEnded = false
  #hasLeft = false
  #isChecking = false
  #isStopping = false
  #hasFrozen = false
  #ending: (() => void) | undefined
  #whenIdle: (() => void) | undefined
  #deadline: (() => void) | undefined
  #abort: AbortController | undefined

  constructor(host: RunHost, { task, journal, signals, row }: Claimed, edge?: Edge) {
    const { calls, order, lastAt } = readJournal(journal)
    this.host = host
    this.task = task
    this.mailbox = new Mailbox(signals, task.waits, task.inbox)
    this.#replay = new Replay(host.world, order)
    this.#turns = new Turns(host.world)
    this.#calls = calls
    this.#edge = edge
    this.#row = row
    this.#now = task.createdAt
    this.pen = new Pen({
      world: host.world,
      commit: host.commit,
      fence: { task: task.id, epoch: task.epoch },
      bytesMax: host.limits.journalBytesMax,
      bytes: journal.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(journal)),
      at: Math.max(lastAt, task.createdAt),
      lost: () => {
        this.lose()
      },
    })
  }

  /** Milliseconds since the epoch at the last outcome the handler was given. */
  get now(): number {
    return this.#now
  }

  /** True when nothing that happens now can count any more. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** True while the handler is only given back what it did before. */
  get isReplaying(): boolean {
    return this.#edge !== undefined || !this.#replay.isOver
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#isEnded) this.#abort.abort(gone())
    return this.#abort.signal
  }

  /** Runs the handler to wherever it gets in this life; `host.ended` tells when that is over. */
  async begin(handler: () => unknown): Promise<void> {
    const { world, limits } = this.host
    const { deadlineAt } = this.task
    if (deadlineAt !== undefined && !this.#edge) {
      const overdue = (): void => {
        this.fail(new TaskFault('task/deadline', 'The task was not done by its deadline.'))
      }
      if (deadlineAt <= world.now()) return overdue()
      this.#deadline = later(world, deadlineAt - world.now(), overdue)
    }
    try {
      const result = toText(await handler(), limits.valueBytesMax, 'task/value-too-large')
      const missing = this.#edge ? undefined : this.#replay.missing
      if (missing === undefined) this.#finish('complete', result, undefined)
      else this.fail(missingCall(this.#calls.get(missing)))
    } catch (error) {
      this.#finish('fail', null, toFailure(error))
    }
  }

  /**
   * One call of the handler: given back from the journal, or done by `live`, which resolves with
   * true once the outcome is recorded and with false when the task is lost. `given` sees the call
   * just before the handler is given its outcome.
   */
  call(
    what: EntrySubject,
    name: string,
    live: (call: Call) => Promise<boolean>,
    given?: (call: Call) => void,
  ): Promise<Json> {
    return new Promise((resolve, reject) => {
      const call = this.#isEnded ? undefined : this.#ask(what, name)
      if (!call) return
      this.#active++
      this.#outstanding++
      const give = (): void => {
        given?.(call)
        this.#give(call, resolve, reject)
      }
      this.#gives.set(call, give)
      if (call.outcome) this.#replay.ask(call.call, give)
      else this.#replay.whenOver(() => void this.#live(call, live))
      this.#check()
    })
  }

  /** Lets one call wait without doing anything. Resolves when it is worth looking again. */
  park(wait: ParkFor): Promise<void> {
    return new Promise((resolve) => {
      this.#parking.add(wait, () => {
        this.#active++
        resolve()
      })
      this.#active--
      this.#check()
    })
  }

  /** The outcome of a call: the handler has it at once, in the order in which it is written. */
  settle(call: Call, kind: 'done' | 'threw', body: string, along?: Along): void {
    this.pen.hold(call, kind, body, along)
    const give = this.#gives.get(call)
    if (give) this.#turns.take(give, this.#outstanding === 1)
  }

  /** Marks the body of a call as running, until what is returned is called. */
  busy(call: Call): () => void {
    this.#bodies.add(call)
    return () => {
      this.#bodies.delete(call)
      this.#ending?.()
    }
  }

  /** Signals have come while the task is running: wakes whoever waits for them. */
  deliver(signals: readonly Signal[], inbox: number): void {
    if (!this.#isEnded) this.#parking.wake(this.mailbox.add(signals, inbox))
  }

  /** Somebody else has the task, or ended it: stops; only what comes late is still noted. */
  lose(): void {
    if (this.#isEnded) return
    this.#end()
    this.#leave(undefined)
  }

  /** True while nobody else can have the task; the store is asked only when the lease is over. */
  async holds(): Promise<boolean> {
    const isLeased = (): boolean => elapsed(this.host.world) < this.leaseEnds
    if (!this.#isEnded && !isLeased()) await this.host.renew(this)
    return !this.#isEnded && isLeased()
  }

  /** Begins nothing more, and calls `idle` once nothing is running. */
  stop(idle: () => void): void {
    this.#isStopping = true
    this.#whenIdle = idle
    if (this.#isEnded) this.#idle()
    else this.#check()
  }

  /** True when nothing may begin any more: who asks then must wait for the task's next life. */
  freezes(): boolean {
    if (!this.#isStopping) return false
    this.#hasFrozen = true
    this.#active--
    this.#check()
    return true
  }

  /** Gives the task back untouched, to be offered again after `ms`. */
  postpone(ms: number): void {
    void this.#suspend(this.pen.now() + ms, toWaitsText(this.task.waits))
  }

  /** Fails the task for a reason that its handler cannot catch. */
  fail(fault: TaskFault): void {
    if (this.#edge) this.#edge(fault)
    else this.#finish('fail', null, toFailure(fault))
  }

  #ask(what: EntrySubject, name: string): Call | undefined {
    const call = this.#calls.get(++this.#count)
    if (call?.what === what && call.name === name) return call
    if (call) {
      this.fail(otherCall(call, what, name))
      return undefined
    }
    checkName(`The name of a ${what}`, name)
    if (this.pen.isFull && !this.#edge) {
      this.fail(new TaskFault('task/journal-too-large', 'The journal of the task is full.'))
      return undefined
    }
    const fresh = newCall(this.#count, what, name)
    this.#calls.set(this.#count, fresh)
    return fresh
  }

  async #live(call: Call, live: (call: Call) => Promise<boolean>): Promise<void> {
    if (this.#edge) return this.#edge()
    if (this.#isEnded || this.freezes()) return
    try {
      if (!(await live(call))) this.lose()
    } catch (error) {
      this.#finish('fail', null, toFailure(error))
    }
  }

  #give(call: Call, resolve: (value: Json) => void, reject: (error: Error) => void): void {
    this.#active--
    this.#outstanding--
    this.#gives.delete(call)
    const { outcome } = call
    if (this.#isEnded || !outcome) return
    this.#now = Math.max(this.#now, outcome.at)
    if (outcome.kind === 'done') resolve(outcome.body)
    else reject(new RecordedError(toRecorded(outcome.body)))
    this.#check()
  }

  /** When nothing runs and something waits, the task is let go: after everything ready has run. */
  #check(): void {
    const isWorthIt = this.#parking.size > 0 || this.#replay.isStuck || this.#isStopping
    if (this.#isChecking || this.#isEnded || !isWorthIt) return
    this.#isChecking = true
    soon(this.host.world, () => {
      this.#isChecking = false
      if (this.#isEnded) return
      if (this.#replay.isStuck) this.#suspectStuck()
      if (this.#active > 0) this.#parking.arm(this.host.world)
      else if (this.#parking.size > 0) void this.#letGo()
      else this.#idle()
    })
  }

  #idle(): void {
    const isIdle = this.#isEnded ? this.#hasLeft : this.#active === 0
    if (this.#isStopping && isIdle) this.#whenIdle?.()
  }

  #suspectStuck(): void {
    const { next } = this.#replay
    this.host.world.after(STUCK_MS, () => {
      if (this.#isEnded || !this.#replay.isStuck || this.#replay.next !== next) return
      this.fail(missingCall(this.#calls.get(next ?? 0)))
    })
  }

  async #letGo(): Promise<void> {
    const unknown = this.#parking.unknown
    if (unknown) {
      this.#finish('lose', null, toFailure(unknownOutcome(unknown)))
      return
    }
    // Whoever was kept from going on wants to do so in the next life, at once.
    const dueAt = this.#hasFrozen ? this.pen.now() : this.#parking.dueAt(this.task.deadlineAt)
    await this.#suspend(dueAt, toWaitsText(this.#parking.waits()))
  }

  async #suspend(dueAt: number | undefined, waits: string): Promise<void> {
    this.#end()
    const held = await this.pen.last()
    if (!held) return this.#leave(undefined)
    const { entries, delivered } = held
    const op = { op: 'suspend', ...this.pen.fence, at: this.pen.now(), entries, delivered } as const
    const rest = { waits, dueAt: dueAt ?? null, inbox: this.mailbox.seen, status: null }
    await this.#depart({ ...op, ...rest }, dueAt)
  }

  /** Ends the task. Effects that are under way are waited for; what stays open is unknown. */
  #finish(event: FinishOp['event'], result: string | null, error: TaskFailure | undefined): void {
    if (this.#isEnded) return
    if (this.#edge) return this.#edge()
    if ([...this.#bodies].some(({ open }) => isHarmful(open))) {
      this.#ending = () => {
        this.#finish(event, result, error)
      }
      this.#abort?.abort(gone())
      return
    }
    const open = [...this.#calls.values()].find((call) => isHarmful(call.open))
    this.#end()
    if (open) void this.#conclude('lose', null, toFailure(unknownOutcome(open)))
    else void this.#conclude(event, result, error)
  }

  async #conclude(
    event: FinishOp['event'],
    result: string | null,
    error: TaskFailure | undefined,
  ): Promise<void> {
    const held = await this.pen.last()
    if (!held) return this.#leave(undefined)
    const { entries, delivered } = held
    const op = { op: 'finish', ...this.pen.fence, event, at: this.pen.now(), result } as const
    const text = error === undefined ? null : JSON.stringify(error)
    await this.#depart({ ...op, error: text, entries, delivered })
  }

  /** The last op of the run. */
  async #depart(op: FinishOp | SuspendOp, dueAt?: number): Promise<void> {
    const verdict = await this.host.commit(op)
    if (verdict?.accepted !== true) void this.pen.tooLate(op)
    const isKnown = verdict?.inbox === 0 && !this.pen.hasShown
    const row = isKnown ? this.#row : undefined
    const task = row && op.op === 'finish' ? () => toEnded(row, op) : undefined
    this.#leave(verdict, { dueAt, task })
  }

  #leave(verdict: Verdict | undefined, left: Left = {}): void {
    this.#hasLeft = true
    this.host.ended(this, verdict, left)
    this.#idle()
  }

  #end(): void {
    this.#isEnded = true
    this.#deadline?.()
    this.#parking.clear()
    this.#abort?.abort(gone())
  }
}
