import { Fault, type JsonObject } from '@countersign/contract'
import type { Note } from '@countersign/contract/ledger/entries'
import {
  isFinal,
  type Engine,
  type Entry,
  type Listing,
  type Settlement,
  type Task,
  type TaskContext,
  type TaskPage,
} from '@countersign/engine'
import type { Principal } from '#auth'
import type { Approvals, Shown } from '#approvals'
import { newId, type World } from '#base'
import type { Log } from '#telemetry'
import type { Upstream } from '#upstream'
import { Alike } from './alike.ts'
import { WITHDRAWN } from './await-approval.ts'
import { runCallTask, type CallTaskRooms, type Live } from './call-task.ts'
import { Conversation } from './conversation.ts'
import type { Errand } from './errand.ts'
import { exchangeOf, handleIn, lookAtTask } from './look.ts'
import type { Outcome } from './outcome.ts'
import { readErrand } from './read-errand.ts'
import { isCall, KIND, named, standingOf, type Standing } from './standing.ts'
import { fromTaskFault, notSent } from './task-faults.ts'
import { untilWaiting, wakeWhenOver } from './wake.ts'

export interface DeskRooms extends Pick<CallTaskRooms, 'perform' | 'followUp' | 'effectOf'> {
  readonly world: World
  readonly log: Log
  readonly engine: Engine
  /** The way of exactly this principal to a server. */
  readonly upstream: (server: string, who: Principal) => Upstream
  readonly approvals: Approvals
  /** What whoever decides is shown of a call. @throws Fault when it is not what it was. */
  readonly shown: (errand: Errand) => Shown
  /** What stands for a result in the ledger. */
  readonly digest: (subject: string, result: JsonObject) => string | Promise<string>
  /** Writes what happened to a task into the ledger. */
  readonly note: Note
}

const LISTED = 100

/** Calls that are answered later: rows that anyone with the right may ask about. */
export class Desk {
  readonly #rooms: DeskRooms
  readonly #lives = new Map<string, Live>()
  readonly #watchers = new Set<(id: string) => void>()
  readonly #alike: Alike

  constructor(rooms: DeskRooms) {
    this.#rooms = rooms
    this.#alike = new Alike(rooms)
    const { world, perform, followUp, effectOf, upstream, approvals, engine } = rooms
    const task: CallTaskRooms = {
      world,
      approvals,
      askFor: async ({ id, input }, asking, round) => {
        const taskExpiresAt = (await engine.get(id))?.expiresAt ?? 0
        const about = { task: id, round, call: input.call, shown: rooms.shown(input) }
        return approvals.ask(asking, { ...about, taskExpiresAt })
      },
      perform,
      followUp,
      effectOf,
      live: (context) => this.#liveOf(context),
      orphaned: ({ id, input }, handle) => void this.#orphaned(id, input, handle),
      look: (context, live, handle) =>
        lookAtTask(upstream(context.input.server, context.input.principal), context, live, handle),
    }
    engine.define<Errand>(KIND, (context) => runCallTask(task, context))
    wakeWhenOver(rooms)
  }

  /** Takes up what an earlier process left. */
  async start(): Promise<void> {
    await this.#rooms.engine.start()
    let cursor: string | undefined
    do {
      const page = await this.#rooms.engine.list({
        states: ['working', 'waiting', 'unknown'],
        limit: LISTED,
        ...(cursor === undefined ? {} : { cursor }),
      })
      for (const task of page.tasks) {
        if (isCall(task)) this.#alike.remember(readErrand(task.input), task.id)
      }
      cursor = page.next
    } while (cursor !== undefined)
    await this.#alike.recallUnfetched()
    // Whoever answered, or changed the rules, while nobody could be woken.
    await this.#rooms.approvals.review()
  }

  /**
   * Makes a task of a call that is under way. When it cannot be written down the call goes on as it
   * was. `first` is what the sending comes to.
   */
  async adopt(
    errand: Errand,
    conversation: Conversation<Outcome>,
    first: Promise<Outcome>,
    ttlMs?: number,
  ): Promise<Task> {
    return this.#create(errand, ttlMs, {
      conversation,
      first,
      ended: Promise.withResolvers(),
      answered: new Map(),
      unreached: 0,
    })
  }

  /** Makes a task of a call that was not sent, because somebody has to approve it first. */
  async putOff(errand: Errand, conversation: Conversation<Outcome>): Promise<Task> {
    return this.#create(errand, undefined, { ...this.#makeLive(), conversation })
  }

  /** Writes a call down first; it is sent by the task. */
  async begin(
    errand: Errand,
    ttlMs?: number,
  ): Promise<{ readonly task: Task; readonly conversation: Conversation<Outcome> }> {
    const live = this.#makeLive()
    const task = await this.#create(errand, ttlMs, live).catch(notSent)
    return { task, conversation: live.conversation }
  }

  /** The conversation of a call that runs here. */
  conversation(id: string): Conversation<Outcome> | undefined {
    return this.#lives.get(id)?.conversation
  }

  /** A task of this owner; another's does not exist (TL-026, TX-029). */
  async find(owner: string | undefined, id: string): Promise<Standing | undefined> {
    const task = await this.#rooms.engine.get(id, owner)
    return task && isCall(task) ? this.#knowing(this.#standing(task)) : undefined
  }

  /** Any task, whoever's: a call, or what takes calls back. For who keeps the house. */
  async look(id: string): Promise<Task | undefined> {
    return this.#rooms.engine.get(id)
  }

  /** Tasks of every kind, newest first. */
  async page(listing: Listing): Promise<TaskPage> {
    return this.#guard(this.#rooms.engine.list(listing))
  }

  /** A call as it stands; undefined for a task that takes calls back. */
  standing(task: Task): Standing | undefined {
    return isCall(task) ? this.#standing(task) : undefined
  }

  async list(
    listing: Listing,
  ): Promise<{ readonly standings: readonly Standing[]; readonly next?: string }> {
    const { tasks, next } = await this.#guard(this.#rooms.engine.list(listing))
    const standings = tasks.filter(isCall).map((one) => this.#standing(one))
    return { standings, ...(next === undefined ? {} : { next }) }
  }

  /** False while there is no call that another could be the same as: then none has to be compared. */
  get hasOpen(): boolean {
    return !this.#alike.isEmpty
  }

  /** The call, if there is one, that an equal call is the same as: open, or not yet delivered. */
  alike(likeness: string): string | undefined {
    return this.#alike.find(likeness)
  }

  /** Its outcome has been told: an equal call is a new one from now on. */
  delivered(errand: Errand, id: string): void {
    this.#alike.delivered(errand, id)
  }

  /** Deletes what is over of this owner and was created up to then, with all that it carried. */
  async forget(owner: string, before: number): Promise<number> {
    this.#alike.forget(owner)
    return this.#guard(this.#rooms.engine.forget(owner, before))
  }

  /** Resolves when the task is over or its outcome is unknown; rejects when `signal` aborts. */
  async finished(id: string, signal: AbortSignal): Promise<Standing> {
    return this.#knowing(this.#standing(await this.#guard(this.#rooms.engine.finished(id, signal))))
  }

  /** Resolves when the task waits for people, or is over; rejects when `signal` aborts. */
  async waits(id: string, signal: AbortSignal): Promise<void> {
    await untilWaiting(this.#rooms.engine, id, signal)
  }

  /** Calls `listener` with the id of each task that changed, or asks something else than before. */
  watch(listener: (id: string) => void): () => void {
    this.#watchers.add(listener)
    const stop = this.#rooms.engine.watch(listener)
    return () => {
      this.#watchers.delete(listener)
      stop()
    }
  }

  /** Ends a task; the server is told, and what it still does is only noted. */
  async cancel({ task, errand }: Standing, by: string, reason: string): Promise<Standing> {
    const cancelled = await this.#knowing(this.#standing(await this.stop(task, by, reason)))
    // Whoever cancelled it knows: if they call again, they mean it.
    this.delivered(errand, task.id)
    return cancelled
  }

  /** The same for a task of any kind. */
  async stop(task: Task, by: string, reason: string): Promise<Task> {
    const cancelled = await this.#guard(this.#rooms.engine.cancel(task.id, reason))
    await this.#rooms.note('task.cancelled', { ...named(task), by, reason })
    await this.#rooms.approvals.withdraw(task.id, WITHDRAWN)
    this.#lives.get(task.id)?.conversation.abort.abort()
    if (isCall(task)) void this.#cancelUpstream(readErrand(task.input), task.id)
    return cancelled
  }

  /** Says what happened where nobody could know. */
  async settle(task: Task, settlement: Settlement, by: string, reason?: string): Promise<Task> {
    const { verdict } = settlement
    const settled = await this.#guard(this.#rooms.engine.settle(task.id, settlement))
    const why = reason === undefined ? {} : { reason }
    await this.#rooms.note('task.settled', { ...named(task), by, verdict, ...why })
    if (isCall(task)) this.#alike.remember(readErrand(task.input), task.id)
    return settled
  }

  /** Takes a call back, in a task of its own. */
  async undo({ task, errand }: Standing, by: string): Promise<Task> {
    if (!errand.compensate) throw notUndoable(errand)
    const undoing = await this.#guard(this.#rooms.engine.undo(task.id))
    await this.#rooms.note('task.undoing', { ...named(task), by })
    return undoing
  }

  /** Takes all calls of a run back, the newest first, in a task of its own. */
  async undoRun(run: string, owner: string, by: string): Promise<Task> {
    const undoing = await this.#guard(this.#rooms.engine.undoRun(run, owner))
    await this.#rooms.note('run.undoing', { run, by })
    return undoing
  }

  async journal(id: string): Promise<readonly Entry[]> {
    return this.#guard(this.#rooms.engine.journal(id))
  }

  /** Lets calls that are under way end, for so long; what is left then goes on at the next start. */
  async close(drainMs: number): Promise<void> {
    await this.#rooms.engine.close(drainMs)
  }

  async #create(errand: Errand, ttlMs: number | undefined, live: Live): Promise<Task> {
    const { world, engine, note } = this.#rooms
    const id = newId(world, 'task')
    this.#lives.set(id, live)
    live.conversation.isDeferred = true
    try {
      const task = await engine.create({
        id,
        kind: KIND,
        owner: errand.principal.id,
        input: errand,
        ...(errand.run === undefined ? {} : { run: errand.run }),
        ...(ttlMs === undefined ? {} : { ttlMs }),
      })
      this.#alike.remember(errand, id)
      void this.#follow(id, errand.call, live)
      await note('task.created', { task: id, call: errand.call })
      return task
    } catch (thrown) {
      live.conversation.isDeferred = false
      this.#lives.delete(id)
      throw fromTaskFault(thrown)
    }
  }

  /** Lets go of what runs here when the task is over, or nobody knows whether it is. */
  async #follow(id: string, call: string, live: Live): Promise<void> {
    const { engine, note, log } = this.#rooms
    live.conversation.onChange(() => {
      for (const watcher of this.#watchers) watcher(id)
    })
    try {
      const { ended, task, errand } = this.#standing(await engine.finished(id))
      const result = isAnswered(ended) ? await this.#digest(errand, ended.result) : {}
      await note('task.ended', { task: id, call, state: task.state, ...result })
      this.#letGo(id, live, ended)
    } catch (cause) {
      log.warn({ task: id, cause: String(cause) }, 'a task cannot be followed')
      this.#letGo(id, live, undefined)
    }
  }

  async #digest({ principal }: Errand, result: JsonObject): Promise<{ readonly result: string }> {
    return { result: await this.#rooms.digest(principal.id, result) }
  }

  #letGo(id: string, live: Live, ended: Standing['ended']): void {
    if (this.#lives.get(id) === live) this.#lives.delete(id)
    live.ended.resolve(
      ended === undefined || ended === 'cancelled' ? { kind: 'refused', fault: NOT_HERE } : ended,
    )
  }

  #liveOf({ id, input }: TaskContext<Errand>): Live {
    const known = this.#lives.get(id)
    if (known) return known
    const live = this.#makeLive()
    this.#lives.set(id, live)
    // Whoever waited for it since before the restart can be asked from now on.
    for (const watcher of this.#watchers) watcher(id)
    void this.#takeUp(id, input.call, live)
    return live
  }

  /** Follows a call of an earlier life. One that is over is only read again, to be taken back. */
  async #takeUp(id: string, call: string, live: Live): Promise<void> {
    const task = await this.#rooms.engine.get(id).catch(() => undefined)
    if (task && isFinal(task.state)) this.#letGo(id, live, undefined)
    else await this.#follow(id, call, live)
  }

  #makeLive(): Live {
    const { world } = this.#rooms
    const ended = Promise.withResolvers<Outcome>()
    // A later life of the call asks under keys of its own (TX-015).
    const prefix = `ask-${world.random(6).toString('base64url')}-`
    const conversation = new Conversation<Outcome>(world, () => ended.promise, prefix)
    conversation.isDeferred = true
    return { conversation, first: undefined, ended, answered: new Map(), unreached: 0 }
  }

  /** Of what was cancelled: whether it had been sent. */
  async #knowing(standing: Standing): Promise<Standing> {
    const { ended, task } = standing
    if (ended !== 'cancelled') return standing
    return { ...standing, isUnsent: await this.#rooms.approvals.isUnsent(task.id) }
  }

  #standing(task: Task): Standing {
    return standingOf(task, this.#lives.get(task.id))
  }

  /** It was cancelled before its server said under which name it goes on there. */
  async #orphaned(id: string, errand: Errand, handle: string): Promise<void> {
    const task = await this.#rooms.engine.get(id).catch(() => undefined)
    if (task && isFinal(task.state)) await this.#cancelUpstream(errand, id, handle)
  }

  async #cancelUpstream(errand: Errand, id: string, known?: string): Promise<void> {
    try {
      const handle = known ?? handleIn(await this.#rooms.engine.journal(id))
      if (handle === undefined) return
      const { conversation } = this.#makeLive()
      const exchange = exchangeOf(errand, conversation, new AbortController().signal)
      const { server, principal } = errand
      await this.#rooms.upstream(server, principal).tasks.cancel(handle, exchange)
    } catch (cause) {
      this.#rooms.log.warn({ task: id, cause: String(cause) }, 'a server was not told to stop')
    }
  }

  async #guard<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await work
    } catch (thrown) {
      throw fromTaskFault(thrown)
    }
  }
}

const isAnswered = (
  ended: Standing['ended'],
): ended is Extract<Standing['ended'], { readonly kind: 'answered' }> =>
  typeof ended === 'object' && ended.kind === 'answered'

/** What waits here is told only that there is nothing to wait for: the standing says the rest. */
const NOT_HERE = new Fault('call/unknown-outcome', 'This call has ended without an answer here.')

const notUndoable = ({ server, tool }: Errand): Fault =>
  new Fault(
    'task/illegal',
    `Nothing was undone: no tool is declared that takes "${tool}" of ${server} back. Declare one with servers.${server}.tools.${tool}.compensate.`,
  )
