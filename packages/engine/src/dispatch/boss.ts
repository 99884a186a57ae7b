import type { PgBoss } from 'pg-boss'
import { soon, type World } from '../world.ts'
import type { Dispatcher, RunTask } from './dispatcher.ts'
import { localDispatcher } from './local.ts'

/** How tasks are spread over many processes. */
export interface BossOptions {
  readonly connectionString: string
  /** The schema of pg-boss's own tables. */
  readonly schema?: string
  /** Connections for statements; one more listens. Default 10. */
  readonly connections?: number
  /** Tasks run at the same time in this process. Default 64. */
  readonly concurrency?: number
  /** Hears of trouble that pg-boss gets over by itself. */
  readonly warn?: (error: Error) => void
}

const QUEUE = 'tasks'
const SCHEMA = 'countersign_jobs'
/** Measured: with smaller batches a backlog drains at a third of the speed. */
const BATCH = 50
/** Notifications wake a worker at once; this is for those that were lost. */
const POLL_SECONDS = 2
/** Jobs of a process that died are cleared away after this long: the least that pg-boss allows. */
const HEARTBEAT_SECONDS = 10
const SUPERVISE_SECONDS = 2
/** Jobs in one statement. */
const OFFERS_MAX = 1_000
/** A job that was handed over is history: the task's own journal tells what became of it. */
const KEEP_SECONDS = 60

/**
 * Spreads due tasks over all processes that share a Postgres, by pg-boss. A job is a hint and ends
 * as soon as the task is claimed here, so that long tasks hold no job: leases, retries and takeover
 * are the journal's. Timers stay in the process that set them, and the sweep of any other finds
 * them when that one dies.
 */
export async function bossDispatcher(options: BossOptions, world: World): Promise<Dispatcher> {
  const { connectionString, schema = SCHEMA, connections = 10, concurrency = 64, warn } = options
  // Loaded only where it is wanted: it brings half a hundred modules.
  const { PgBoss: Boss } = await import('pg-boss')
  const boss = new Boss({
    connectionString,
    schema,
    max: connections,
    useListenNotify: true,
    superviseIntervalSeconds: SUPERVISE_SECONDS,
    monitorIntervalSeconds: SUPERVISE_SECONDS,
    schedule: false,
  })
  boss.on('error', (error) => warn?.(error))
  await boss.start()
  // "short": one job waits for each task, however often it is hinted at.
  await boss.createQueue(QUEUE, {
    policy: 'short',
    notify: true,
    retryLimit: 0,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    deleteAfterSeconds: KEEP_SECONDS,
  })
  const due = localDispatcher(world, Infinity)
  const offers = new Offers(boss, world, warn)
  await due.start((task) => {
    offers.add(task)
    return Promise.resolve()
  })
  return {
    start: async (run) => {
      const room = new Room(concurrency)
      const settings = {
        batchSize: BATCH,
        pollingIntervalSeconds: POLL_SECONDS,
        notifyPollingIntervalSeconds: POLL_SECONDS,
        burstWhenBatchFull: true,
      }
      await boss.work<{ readonly task: string }>(QUEUE, settings, async (jobs) => {
        for (const { data } of jobs) await room.enter(run, data.task)
      })
    },
    hint: (task, dueAt) => {
      due.hint(task, dueAt)
    },
    stop: async () => {
      await due.stop()
      await boss.stop({ graceful: false })
    },
  }
}

/** Offers tasks to all processes: those of one turn of the event loop together. */
class Offers {
  readonly #boss: PgBoss
  readonly #world: World
  readonly #warn: BossOptions['warn']
  #tasks: string[] = []

  constructor(boss: PgBoss, world: World, warn: BossOptions['warn']) {
    this.#boss = boss
    this.#world = world
    this.#warn = warn
  }

  add(task: string): void {
    if (this.#tasks.push(task) > 1) return
    soon(this.#world, () => {
      const tasks = this.#tasks
      this.#tasks = []
      void this.#send(tasks)
    })
  }

  async #send(tasks: readonly string[]): Promise<void> {
    try {
      for (let at = 0; at < tasks.length; at += OFFERS_MAX) {
        const some = tasks.slice(at, at + OFFERS_MAX)
        const jobs = some.map((task) => ({ data: { task }, singletonKey: task }))
        await this.#boss.insert(QUEUE, jobs)
      }
    } catch (error) {
      // A hint may be lost: whoever sweeps next finds the task due.
      this.#warn?.(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** Lets so many tasks run at once; entering waits for a place, not for the task. */
class Room {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  async enter(run: RunTask, task: string): Promise<void> {
    if (this.#free === 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    } else {
      this.#free--
    }
    void run(task).finally(() => {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    })
  }
}
