// A client on a pipe: lines written by hand, and the lines that come back.

import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { localAuthenticator } from '#auth'
import { serveStdio } from '#gateway'
import type { TestHouse } from '../stories/house.ts'
import type { Loose } from './wire.ts'

export interface Pipe extends AsyncDisposable {
  /** Writes one message, or raw text, and the end of the line. */
  readonly write: (message: unknown) => void
  readonly raw: (bytes: string | Buffer) => void
  /** The next line, parsed. */
  readonly next: () => Promise<Loose>
  /** Everything that came and was not read. */
  readonly rest: () => readonly Loose[]
  /** Closes the input; resolves when the server is done with it. */
  readonly end: () => Promise<void>
}

/** Serves one view of a house over a pipe, as `countersign serve --stdio` does. */
export function openPipe({ house }: TestHouse, view: string): Pipe {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const lines: string[] = []
  const arrived = new PassThrough()
  let pending = ''
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (pending + chunk).split('\n')
    pending = parts.pop() ?? ''
    lines.push(...parts)
    arrived.emit('line')
  })
  const found = house.gateway.view(view)
  if (!found) throw new Error(`no view ${view}`)
  const served = serveStdio({
    gateway: house.gateway,
    who: localAuthenticator(undefined),
    view: found,
    input,
    output,
    limits: house.config.limits,
  })
  const end = async (): Promise<void> => {
    input.end()
    await served
  }
  return {
    write: (message) => {
      input.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
    },
    raw: (bytes) => void input.write(bytes),
    next: async () => {
      while (lines.length === 0) await once(arrived, 'line')
      return JSON.parse(lines.shift() ?? '')
    },
    rest: () => lines.splice(0).map((line) => JSON.parse(line)),
    end,
    [Symbol.asyncDispose]: end,
  }
}
