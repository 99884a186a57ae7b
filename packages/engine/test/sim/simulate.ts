import { isObject, textAt } from '@countersign/contract'
import type { DatabaseSync } from 'node:sqlite'
import { Engine, isFinal, type Op, type Task } from '../../src/index.ts'
import { Chance } from './chance.ts'
import { Invariants } from './invariants.ts'
import { defineKinds, KINDS, RESULTS, type Scene, type SimKind } from './kinds.ts'
import { connect, openDisk, type Disk, type Faults } from './sim-store.ts'
import { Process, Timeline } from './timeline.ts'
import { Witness } from './witness.ts'

const CALM: Faults = { refused: 0, lostReply: 0, delayMs: 5 }
const STORM_MS = 6_000
const CALM_MS = 400_000
const TASKS = 4
const WORKERS = 2

/** What came of one simulation. */
export interface Report {
  readonly seed: number
  readonly breaches: readonly string[]
  readonly states: Readonly<Record<string, number>>
  readonly crashes: number
  readonly closes: number
  /** Outcomes that only the witness knew. */
  readonly settled: number
}

interface Settings {
  readonly seed: number
  readonly spoil?: (op: Op, db: DatabaseSync) => Op | undefined
  readonly log?: (line: string) => void
}

/** One house on one seed: tasks, two workers, everything that can go wrong, then peace. */
class Simulation {
  readonly #chance: Chance
  readonly #timeline: Timeline
  readonly #disk: Disk
  readonly #invariants: Invariants
  readonly #witness = new Witness()
  readonly #remote = new Map<string, number>()
  readonly #tasks = new Map<string, SimKind>()
  readonly #engines: { engine: Engine; process: Process }[] = []
  readonly #checks: Promise<void>[] = []
  readonly #log: (line: string) => void
  readonly #weather: Faults & { readonly failing: number }
  #isStorm = true
  crashes = 0
  closes = 0
  settled = 0

  constructor({ seed, spoil, log }: Settings) {
    this.#chance = new Chance(seed)
    this.#timeline = new Timeline(this.#chance)
    this.#disk = openDisk(() => this.#timeline.now, spoil)
    this.#invariants = new Invariants(this.#disk)
    this.#log = (line) => log?.(`${this.#timeline.now.toFixed(0)} ${line}`)
    const wild = this.#chance.next() ** 2
    this.#weather = {
      refused: wild * 0.1,
      lostReply: wild * 0.1,
      delayMs: this.#chance.pick([1, 10, 100, 1_000]),
      failing: wild * 0.4,
    }
  }

  async run(): Promise<Omit<Report, 'seed'>> {
    for (let at = 0; at < WORKERS; at++) this.#boot(at)
    for (let at = 0; at < TASKS; at++) this.#order(at)
    this.#trouble()
    await this.#timeline.run(this.#timeline.now + STORM_MS, () => false)
    this.#isStorm = false
    this.#log('calm')
    for (const { process } of this.#engines) process.skewMs = 0
    const end = this.#timeline.now + CALM_MS
    let left: readonly string[] = []
    while (this.#timeline.now < end) {
      left = await this.#unfinished()
      if (left.length === 0) break
      await this.#help()
      await this.#timeline.run(this.#timeline.now + 5_000, () => false)
      this.#timeline.now = Math.max(this.#timeline.now, this.#timeline.now + 1)
    }
    await Promise.all(this.#checks)
    await this.#invariants.atEnd()
    await this.#judge(left)
    const states: Record<string, number> = {}
    for (const id of this.#tasks.keys()) {
      const state = (await this.#disk.store.get(id))?.state ?? 'gone'
      states[state] = (states[state] ?? 0) + 1
    }
    this.#disk.close()
    return {
      breaches: this.#invariants.breaches,
      states,
      crashes: this.crashes,
      closes: this.closes,
      settled: this.settled,
    }
  }

  #boot(at: number): void {
    const process = new Process(this.#timeline)
    const store = connect(this.#disk, process, this.#timeline, {
      faults: () => (this.#isStorm ? this.#weather : CALM),
      wrote: (ops, verdicts) => {
        for (const [index, op] of ops.entries()) {
          this.#log(
            `worker ${String(at)} ${JSON.stringify(op)} → ${JSON.stringify(verdicts[index])}`,
          )
        }
        this.#checks.push(this.#invariants.wrote(ops, verdicts))
      },
    })
    const pace = { leaseMs: 3_000, sweepMs: 1_000, drainMs: 100 }
    const engine = new Engine({ store, world: process.world, pace })
    const scene: Scene = {
      timeline: this.#timeline,
      process,
      witness: this.#witness,
      remote: this.#remote,
      failing: () => (this.#isStorm ? this.#weather.failing : 0),
    }
    defineKinds(engine, scene)
    this.#engines[at] = { engine, process }
    void engine.start().catch(() => {
      this.#crash(at)
    })
  }

  #crash(at: number): void {
    const there = this.#engines[at]
    if (!there?.process.isAlive) return
    this.#log(`worker ${String(at)} dies`)
    this.crashes++
    there.process.isAlive = false
    this.#timeline.after(this.#chance.next() * 1_000, () => {
      this.#boot(at)
    })
  }

  /** Comes to rest as a service does that is being updated. */
  #close(at: number): void {
    const there = this.#engines[at]
    if (!there?.process.isAlive) return
    this.#log(`worker ${String(at)} closes`)
    this.closes++
    void there.engine.close().finally(() => {
      this.#crash(at)
    })
  }

  #order(at: number): void {
    const kind = this.#chance.pick(KINDS)
    const id = `task-${String(at).padStart(17, '0')}`
    const wish = (): void => {
      const { engine } = this.#chance.pick(this.#engines)
      // A client that is not answered asks again, with the same id.
      void engine
        .create({ kind, id, owner: 'sim' })
        .then(() => this.#tasks.set(id, kind))
        .catch(() => this.#timeline.after(500, wish))
      this.#timeline.after(3_000, () => {
        if (!this.#tasks.has(id)) wish()
      })
    }
    this.#tasksWanted.push([id, kind])
    this.#timeline.after(this.#chance.next() * 500, wish)
  }

  readonly #tasksWanted: [string, SimKind][] = []

  /** Crashes, clocks that jump, cancels, settlements and signals, all at their own moment. */
  #trouble(): void {
    const { chance } = this.#timeline
    const during = (times: number, then: () => void): void => {
      for (let n = chance.below(times + 1); n > 0; n--) {
        this.#timeline.after(chance.next() * STORM_MS, then)
      }
    }
    during(6, () => {
      this.#crash(chance.below(WORKERS))
    })
    during(2, () => {
      this.#close(chance.below(WORKERS))
    })
    during(3, () => {
      chance.pick(this.#engines).process.skewMs = (chance.next() - 0.5) * 20_000
    })
    during(1, () => {
      const [id] = chance.pick(this.#tasksWanted)
      if (chance.happens(0.5))
        void chance
          .pick(this.#engines)
          .engine.cancel(id)
          .catch(() => 0)
    })
    for (const [id] of this.#tasksWanted) {
      during(2, () => void this.#settle(id))
      for (const name of ['go', 'also']) during(2, () => void this.#signal(id, name))
    }
  }

  async #signal(id: string, name: string): Promise<void> {
    const payload = name === 'go' ? 'yes' : 'late'
    const signalId = `${name}-once`
    await anyOf(this.#engines, this.#chance)
      .signal(id, name, payload, { signalId })
      .catch(() => undefined)
  }

  async #settle(id: string): Promise<void> {
    const { engine } = this.#chance.pick(this.#engines)
    const task = await this.#disk.store.get(id)
    const name = attemptOf(task)
    if (task?.state !== 'unknown' || name === undefined) return
    const undone = /^(?:one|two|three)$/.test(name)
    const did = !this.#witness.denies(id, undone ? `undo ${name}` : name)
    const result = SETTLED[name] ?? null
    this.settled++
    this.#log(`settles ${id} ${name}: ${did ? 'happened' : 'retry'}`)
    await engine
      .settle(id, did ? { verdict: 'happened', result } : { verdict: 'retry' })
      .catch(() => undefined)
  }

  async #help(): Promise<void> {
    for (const [id] of this.#tasksWanted) {
      await this.#settleAny(id)
      for (const name of ['go', 'also']) void this.#signal(id, name)
    }
  }

  async #settleAny(id: string): Promise<void> {
    void this.#settle(id)
    const entries = await this.#disk.store.journal(id)
    for (const { body } of entries) {
      if (isObject(body) && 'child' in body) void this.#settle(textAt(body, 'child'))
    }
  }

  async #unfinished(): Promise<readonly string[]> {
    const left: string[] = []
    for (const [id] of this.#tasksWanted) {
      const task = await this.#disk.store.get(id)
      if (!task || !isFinal(task.state)) left.push(`${id} is ${task?.state ?? 'not there'}`)
    }
    return left
  }

  async #judge(left: readonly string[]): Promise<void> {
    const { breaches } = this.#invariants
    breaches.push(...left.map((line) => `${line}, long after the storm`))
    breaches.push(...this.#witness.breaches())
    for (const [id, kind] of this.#tasksWanted) {
      const task = await this.#disk.store.get(id)
      if (task) breaches.push(...this.#wrongs(task, kind))
    }
  }

  /** What is wrong with how a task ended. */
  #wrongs(task: Task, kind: SimKind): readonly string[] {
    const { id, state, result, error } = task
    const undone = [...new Set(this.#witness.undone.get(id))]
    const expected = ['three', 'two', 'one'].slice(0, undone.length)
    const isSaga = kind === 'saga' && state === 'failed' && error?.message === 'and now back'
    const gave = JSON.stringify(result)
    const wrongs: readonly (readonly [boolean, string])[] = [
      [state === 'completed' && gave !== JSON.stringify(RESULTS[kind]), `gave ${gave}`],
      [state === 'failed' && !isSaga, `failed: ${JSON.stringify(error)}`],
      [undone.join() !== expected.join(), `undid ${undone.join()}`],
      [isSaga && undone.length < 3, `failed with only ${undone.join()} undone`],
    ]
    return wrongs.flatMap(([isWrong, what]) => (isWrong ? [`${id} (${kind}) ${what}`] : []))
  }
}

/** What a person says the effect gave, once they know that it happened. */
const SETTLED: Readonly<Record<string, string>> = {
  write: 'written',
  send: 'sent',
  find: 'found',
  remote: 'remote result',
}

const anyOf = (engines: readonly { readonly engine: Engine }[], dice: Chance): Engine =>
  dice.pick(engines).engine

const attemptOf = (task: Task | undefined): string | undefined => {
  const data = task?.error?.data
  return isObject(data) ? textAt(data, 'attempt') : undefined
}

/** Runs one seed to its end and says what was broken. The same seed always gives the same. */
export async function simulate(settings: Settings): Promise<Report> {
  const report = await new Simulation(settings).run()
  return { seed: settings.seed, ...report }
}
