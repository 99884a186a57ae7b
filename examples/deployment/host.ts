/**
 * The machine a program is rolled out to: it runs releases in two slots, and its proxy sends
 * everybody to one of them. `node host.ts <folder>` runs one with version 1 and writes host.json.
 *
 * It is told what to do over HTTP; doing the same twice does nothing more. What it did is its
 * journal: one line each.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import { build } from './build.ts'
import { Slot } from './slot.ts'

type Color = 'blue' | 'green'
const COLORS: readonly Color[] = ['blue', 'green']
const isColor = (text: string | undefined): text is Color => text === 'blue' || text === 'green'

export interface Host extends AsyncDisposable {
  /** Where the public goes. */
  readonly url: string
  /** Where it is told what to do. */
  readonly admin: string
  /** What it did, such as `started 1-0f3a in blue`. */
  readonly journal: readonly string[]
  readonly pids: () => readonly number[]
  /** Requests of the public that are being answered. */
  readonly inFlight: () => number
}

/** Runs a host with `first` in blue. */
export async function openHost(folder: string, first: string): Promise<Host> {
  const machine = new Machine(join(folder, 'releases'))
  await machine.start('blue', first)
  machine.send('blue', first)
  const proxy = await listen((request, response) => {
    machine.pass(request, response)
  })
  const admin = await listen((request, response) => {
    machine.obey(request).then(
      (said) => response.end(JSON.stringify(said)),
      (error: unknown) => response.writeHead(409).end(String(error)),
    )
  })
  const places = { url: proxy.url, admin: admin.url }
  writeFileSync(join(folder, 'host.json'), JSON.stringify(places))
  return {
    ...places,
    journal: machine.journal,
    pids: () => machine.pids(),
    inFlight: () => machine.inFlight(),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([proxy.close(), admin.close()])
      await machine.stopAll()
    },
  }
}

class Machine {
  readonly journal: string[] = []
  readonly #folder: string
  readonly #slots = new Map<Color, Slot>()
  /** One thing at a time: two who start the same release wait for one process. */
  #last: Promise<unknown> = Promise.resolve()
  #live: Color = 'blue'

  constructor(folder: string) {
    this.#folder = folder
  }

  async start(color: Color, release: string): Promise<void> {
    const there = this.#slots.get(color)
    if (there?.release === release) return
    if (there) throw new Error(`${color} runs ${there.release}.`)
    this.#slots.set(color, await Slot.start(this.#folder, release))
    this.journal.push(`started ${release} in ${color}`)
  }

  send(color: Color, release: string): void {
    if (this.#slots.get(color)?.release !== release) {
      throw new Error(`${release} does not run in ${color}.`)
    }
    if (this.#live === color) return
    this.#live = color
    this.journal.push(`sent everybody to ${color}`)
  }

  async stop(color: Color, release: string): Promise<void> {
    const slot = this.#slots.get(color)
    // Somebody else's release is left alone.
    if (slot?.release !== release) return
    if (this.#live === color) throw new Error(`Everybody is in ${color}.`)
    this.#slots.delete(color)
    await slot.stop()
    this.journal.push(`stopped ${release} in ${color}`)
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#slots.values()].map((slot) => slot.stop()))
  }

  pids(): readonly number[] {
    return [...this.#slots.values()].map(({ pid }) => pid)
  }

  inFlight(): number {
    return [...this.#slots.values()].reduce((sum, slot) => sum + slot.inFlight, 0)
  }

  state(): object {
    const slots = COLORS.map((color) => {
      const slot = this.#slots.get(color)
      return [color, slot ? { release: slot.release, port: slot.port } : null]
    })
    return { live: this.#live, slots: Object.fromEntries(slots) }
  }

  /**
   * `GET /` looks; `PUT /green/<release>` starts, `DELETE` there stops; `PUT /green/<release>/live`
   * sends everybody there; `GET /green/drained` answers when nobody is left.
   */
  async obey({ method = '', url = '' }: IncomingMessage): Promise<object> {
    const [, color, release = '', live] = url.split('/')
    if (!isColor(color)) return this.state()
    if (method === 'PUT' && live === 'live') this.send(color, release)
    else if (method === 'PUT') await this.#alone(() => this.start(color, release))
    else if (method === 'DELETE') await this.#alone(() => this.stop(color, release))
    else if (release === 'drained') await this.#slots.get(color)?.drained()
    return this.state()
  }

  /** Hands a request on to the release everybody is sent to. */
  pass(request: IncomingMessage, response: ServerResponse): void {
    const slot = this.#slots.get(this.#live)
    if (!slot) return void response.writeHead(503).end()
    response.once('close', slot.enter())
    const { method, url: path, headers } = request
    const onward = ask({ host: '127.0.0.1', port: slot.port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.once('error', () => response.destroy())
    request.pipe(onward)
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => undefined)
    await mine
  }
}

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createServer(answer)
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done)
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${String(port)}`,
    close: async () => {
      const closed = new Promise((done) => {
        server.close(done)
      })
      server.closeAllConnections()
      await closed
    },
  }
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '.countersign'))
  mkdirSync(folder, { recursive: true })
  const first = await build(folder, { version: '1', greeting: 'Hello', defect: 'none' })
  const host = await openHost(folder, first)
  process.stdout.write(`version 1 is at ${host.url}\n`)
  process.once('SIGINT', () => void host[Symbol.asyncDispose]().then(() => process.exit(0)))
}
