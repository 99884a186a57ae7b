// The clients, in a process of their own: each sends its next call when the last one was answered.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { Client, type Dispatcher } from 'undici'
import { endWithParent } from '../listen.ts'
import { cpuMs } from '../usage.ts'
import { proofMaker, publicJwk, type Shown } from './issuer.ts'
import { legacyOpening, MARK, type Encoded } from './wire.ts'

export interface Job {
  readonly origin: string
  readonly path: string
  readonly call: Encoded
  /** Each client opens a session first and sends its id with every call. */
  readonly session: boolean
  readonly shown?: Shown | undefined
  readonly clients: number
  /** Not counted: connections open, code gets warm. */
  readonly warmMs: number
  readonly measureMs: number
  /** Processes whose time is taken while it is measured. */
  readonly watch: readonly number[]
}

export interface Done {
  readonly calls: number
  readonly errors: number
  /** The first thing that went wrong, in words. */
  readonly problem: string | undefined
  readonly elapsedMs: number
  /** On the system's monotonic clock in microseconds, to find these moments in a profile. */
  readonly fromUs: number
  readonly toUs: number
  readonly latenciesMs: Float32Array
  readonly watchedMs: readonly (number | undefined)[]
  readonly ownCpuMs: number
}

/** What all clients of one job share. */
class Tally {
  isMeasuring = false
  isOver = false
  errors = 0
  problem: string | undefined
  readonly latenciesMs: number[] = []

  failed(problem: string): void {
    this.errors++
    this.problem ??= problem
  }
}

const WORDS_MAX = 500

/** One client on one connection, and the reader of its answers. */
class Caller implements Dispatcher.DispatchHandler {
  readonly #client: Client
  readonly #request: () => Dispatcher.DispatchOptions
  readonly #tally: Tally
  #sentAt = 0
  #status = 0
  #chunks: Buffer[] = []
  #over: (() => void) | undefined

  constructor(client: Client, request: () => Dispatcher.DispatchOptions, tally: Tally) {
    this.#client = client
    this.#request = request
    this.#tally = tally
  }

  /** Resolves when the last answer is in. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#over = resolve
      this.#next()
    })
  }

  #next(): void {
    if (this.#tally.isOver) {
      this.#over?.()
      return
    }
    this.#chunks = []
    // Made before the clock starts: what a proof costs its client is not ours.
    const request = this.#request()
    this.#sentAt = performance.now()
    this.#client.dispatch(request, this)
  }

  onRequestStart(): void {
    this.#status = 0
  }

  onResponseStart(_controller: unknown, status: number): void {
    this.#status = status
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const tally = this.#tally
    const took = performance.now() - this.#sentAt
    const [first] = this.#chunks
    const body = first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks)
    if (this.#status !== 200 || !body.includes(MARK)) {
      tally.failed(`HTTP ${String(this.#status)}: ${body.toString().slice(0, WORDS_MAX)}`)
    } else if (tally.isMeasuring) tally.latenciesMs.push(took)
    this.#next()
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#tally.failed(error.message)
    // Not at once: a target that is gone must not make us spin.
    setTimeout(() => this.#next(), 100)
  }
}

const post = (
  path: string,
  { headers, body }: Encoded,
  more: readonly string[] = [],
): Dispatcher.DispatchOptions => ({
  method: 'POST',
  path,
  headers: [...headers, ...more],
  body: Buffer.from(body),
})

/** The same request each time; where proofs are asked for, each with one of its own. */
function requestsOf(
  { origin, path, call, shown }: Job,
  session: readonly string[],
): () => Dispatcher.DispatchOptions {
  if (!shown) {
    const request = post(path, call, session)
    return () => request
  }
  const { token, boundTo } = shown
  if (boundTo === undefined) {
    const request = post(path, call, ['authorization', `Bearer ${token}`])
    return () => request
  }
  const key = createPrivateKey(boundTo)
  const prove = proofMaker(key, publicJwk(createPublicKey(key)), token, `${origin}${path}`)
  return () => post(path, call, ['authorization', `DPoP ${token}`, 'dpop', prove()])
}

async function openSession(client: Client, path: string): Promise<readonly string[]> {
  const { initialize, initialized } = legacyOpening()
  const opened = await client.request(post(path, initialize))
  await opened.body.dump()
  const id = opened.headers['mcp-session-id']
  if (typeof id !== 'string') throw new Error(`no session: HTTP ${String(opened.statusCode)}`)
  const session = ['mcp-session-id', id]
  const noticed = await client.request(post(path, initialized, session))
  await noticed.body.dump()
  return session
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n)

async function run(job: Job): Promise<Done> {
  const tally = new Tally()
  const connections = Array.from({ length: job.clients }, () => new Client(job.origin))
  const callers = await Promise.all(
    connections.map(async (client) => {
      const session = job.session ? await openSession(client, job.path) : []
      return new Caller(client, requestsOf(job, session), tally)
    }),
  )
  const over = Promise.all(callers.map((one) => one.run()))
  await wait(job.warmMs)
  const usedBefore = job.watch.map(cpuMs)
  const ownBefore = process.cpuUsage()
  const from = performance.now()
  const fromUs = nowUs()
  tally.isMeasuring = true
  await wait(job.measureMs)
  tally.isMeasuring = false
  const elapsedMs = performance.now() - from
  const toUs = nowUs()
  const own = process.cpuUsage(ownBefore)
  const watchedMs = job.watch.map((pid, at) => difference(cpuMs(pid), usedBefore[at]))
  tally.isOver = true
  await over
  await Promise.all(connections.map((one) => one.close()))
  const { errors, problem, latenciesMs } = tally
  return {
    calls: latenciesMs.length,
    errors,
    problem,
    elapsedMs,
    fromUs,
    toUs,
    latenciesMs: Float32Array.from(latenciesMs),
    watchedMs,
    ownCpuMs: (own.user + own.system) / 1_000,
  }
}

const difference = (now: number | undefined, before: number | undefined): number | undefined =>
  now === undefined || before === undefined ? undefined : now - before

async function answer(job: Job): Promise<void> {
  try {
    process.send?.(await run(job))
  } catch (cause) {
    process.stderr.write(`\nthe load client failed: ${String(cause)}\n`)
    process.exit(1)
  }
}

process.on('message', (job: Job) => void answer(job))
endWithParent()
process.send?.({ ready: true })
