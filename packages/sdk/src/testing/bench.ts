/** One tool on the bench: an engine in memory that is driven until nothing is left to do. */
import {
  Engine,
  isFinal,
  openSqliteStore,
  systemWorld,
  type Store,
  type Task,
} from '@countersign/engine'
import { define } from '../durable/define.ts'
import type { DurableTool, OnError } from '../durable/durable-tool.ts'
import { kindOf } from '../durable/kind.ts'
import { replyTo, toAsked, type Answers, type Asked } from './answers.ts'
import { ManualWorld } from './manual-world.ts'
import { mortalStore, type Fatal } from './mortal-store.ts'

const OWNER = 'test'
/** How long a silent engine is trusted before it is looked at again, in real milliseconds. */
const LOOK_MS = 20

/** Nothing is cleared away while a test looks. */
const FOR_EVER_MS = 1e14

/** What happened to the task besides its end. */
export interface Log {
  readonly asked: Asked[]
  readonly progress: (readonly [number, number | undefined, string | undefined])[]
  readonly statuses: string[]
}

/** What a bench is set up with. */
export interface BenchOptions {
  readonly answers: Answers
  readonly onError: OnError
}

/** A store, a clock and a task; lives come and go. */
export class Bench {
  readonly log: Log = { asked: [], progress: [], statuses: [] }
  #tool: DurableTool
  readonly #options: BenchOptions
  readonly #store: Store = openSqliteStore(':memory:')
  readonly #began: number
  #clock = new ManualWorld()
  #id: string | undefined
  /** Questions answered in this life; an answer that died with the last one is given again. */
  readonly #answered = new Set<string>()
  readonly #logged = new Set<string>()

  constructor(tool: DurableTool, options: BenchOptions) {
    this.#tool = tool
    this.#options = options
    this.#began = this.#clock.now
  }

  /** Milliseconds the task took by its own clock. */
  get elapsedMs(): number {
    return this.#clock.now - this.#began
  }

  /** One life of the process: until the task is over, or the process dies; then undefined. */
  async live(input: unknown, fatal: Fatal = () => undefined): Promise<Task | undefined> {
    const death = Promise.withResolvers<'dead'>()
    const store = mortalStore(this.#store, fatal, () => death.resolve('dead'))
    this.#clock = new ManualWorld(this.#clock.now)
    this.#answered.clear()
    const limits = { ttlMs: FOR_EVER_MS, ttlMsMax: FOR_EVER_MS }
    const engine = new Engine({ store, world: this.#clock.world, limits })
    define(engine, [this.#tool], this.#options.onError)
    const life = this.#drive(engine, input)
    const end = await Promise.race([life, death.promise])
    this.#clock.stop()
    if (end === 'dead') {
      life.catch(() => undefined)
      return undefined
    }
    await engine.close()
    return end
  }

  /** From the next life on the process has this tool instead. */
  deploy(tool: DurableTool): void {
    this.#tool = tool
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  async #drive(engine: Engine, input: unknown): Promise<Task> {
    await engine.start()
    const order = { kind: kindOf(this.#tool.name), owner: OWNER, key: 'task', run: 'run', input }
    this.#id ??= (await engine.create(order)).id
    for (;;) {
      const change = Promise.withResolvers<void>()
      const off = engine.watch(() => {
        change.resolve()
      })
      const open = await this.#look(engine)
      if (!Array.isArray(open)) return open
      if (!(await this.#move(engine, open))) await soon(change.promise)
      off()
    }
  }

  /** The task when it is over, else every open task. */
  async #look(engine: Engine): Promise<Task | Task[]> {
    const task = await engine.get(this.#id ?? '')
    if (!task) throw new Error('The task is gone.')
    this.#note(task)
    if (isFinal(task.state) || task.state === 'unknown') return task
    const { tasks } = await engine.list({ owner: OWNER, states: ['working', 'waiting'] })
    return [...tasks]
  }

  /** Answers what is asked; moves the clock when everything waits for it. False: something works. */
  async #move(engine: Engine, open: readonly Task[]): Promise<boolean> {
    if (open.some(({ state }) => state === 'working')) return false
    const due: number[] = []
    for (const { id, waits, dueAt } of open) {
      for (const { name, ask } of waits) {
        const asked = toAsked(name, ask)
        const key = `${id}/${name}`
        if (this.#answered.has(key)) continue
        const reply = replyTo(this.#options.answers, asked)
        this.#answered.add(key)
        if (!this.#logged.has(key)) this.log.asked.push(asked)
        this.#logged.add(key)
        await engine.signal(id, name, reply, { signalId: name })
        return true
      }
      if (dueAt !== undefined) due.push(dueAt)
    }
    const next = Math.min(...due)
    if (next === Infinity || next <= this.#clock.now) return false
    this.#clock.moveTo(next)
    return true
  }

  #note({ progress, status }: Task): void {
    const { log } = this
    if (status !== undefined && log.statuses.at(-1) !== status) log.statuses.push(status)
    if (!progress) return
    const { done, total, message } = progress
    const last = log.progress.at(-1)
    if (last?.[0] !== done || last[2] !== message) log.progress.push([done, total, message])
  }
}

/** Resolves with a change, and after a while without one: a lost hint must not stop a test. */
async function soon(change: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const off = systemWorld.after(LOOK_MS, late.resolve)
  await Promise.race([change, late.promise])
  off()
}
