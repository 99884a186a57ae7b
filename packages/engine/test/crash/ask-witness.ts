import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'

/** A conversation with the witness: one line there, one line back, in order. */
export class Witness {
  readonly #socket: ReturnType<typeof createConnection>
  readonly #waiting: ((answer: string) => void)[] = []

  constructor(path: string) {
    this.#socket = createConnection(path)
    createInterface({ input: this.#socket }).on('line', (line) => this.#waiting.shift()?.(line))
  }

  /** Says that something happens now; resolves with how often it has. */
  async happens(key: string): Promise<number> {
    return Number(await this.#say(`do ${key}`))
  }

  async count(key: string): Promise<number> {
    return Number(await this.#say(`ask ${key}`))
  }

  async all(): Promise<ReadonlyMap<string, number>> {
    return new Map(Object.entries(JSON.parse(await this.#say('all')) as Record<string, number>))
  }

  close(): void {
    this.#socket.destroy()
  }

  #say(line: string): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#socket.write(`${line}\n`)
    })
  }
}
