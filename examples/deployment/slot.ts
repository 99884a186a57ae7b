/** A running release: its process, where it listens, and how many requests it is answering. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export class Slot {
  readonly release: string
  readonly port: number
  readonly #child: ChildProcess
  readonly #gone: Promise<unknown>
  #inFlight = 0
  #drained: (() => void)[] = []

  private constructor(release: string, port: number, child: ChildProcess, gone: Promise<unknown>) {
    this.release = release
    this.port = port
    this.#child = child
    this.#gone = gone
  }

  /** Resolves once it listens. @throws Error when it ends before that. */
  static async start(folder: string, release: string): Promise<Slot> {
    const child = fork(join(folder, release, 'app.ts'), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const gone = once(child, 'exit')
    const ended = gone.then(() => {
      throw new Error(`${release} ended before it listened.`)
    })
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what app.ts sends
    const [address] = (await Promise.race([once(child, 'message'), ended])) as [AddressInfo]
    return new Slot(release, address.port, child, gone)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Counts one request, until what is returned is called. */
  enter(): () => void {
    this.#inFlight++
    return () => {
      if (--this.#inFlight > 0) return
      for (const tell of this.#drained.splice(0)) tell()
    }
  }

  /** Resolves when it answers nothing any more. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#inFlight === 0) resolve()
      else this.#drained.push(resolve)
    })
  }

  /** Politely; resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#gone
  }
}
