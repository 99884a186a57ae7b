import { LineReader, type World } from '#base'
import type { Log } from '#telemetry'
import type { Keeper } from './keeper.ts'
import type { LastLines } from './last-lines.ts'
import { idOfDeep, readJson } from './read-json.ts'
import { startChild, within, type RunningChild } from './start-child.ts'
import type { ProcessSpec } from './upstream.ts'
import { upstreamFault } from './upstream-fault.ts'
import type { Parcel, Receiver, Wire } from './wire.ts'

/** What may wait in our memory for a process that does not read its standard input. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024
const END_MS = 500

interface StdioOptions {
  readonly world: World
  readonly keeper: Keeper
  readonly log: Log
  readonly server: string
  readonly process: ProcessSpec
  readonly stderr: LastLines
  readonly bytesMax: number
}

/** A child process, one message per line (S-001). */
export function openStdio(options: StdioOptions, receiver: Receiver): Wire {
  const { world, server, bytesMax } = options
  const child = startChild(options, options.process, options.stderr)
  let over = false
  const end = (code: 'upstream/broken' | 'upstream/too-large', what: string): void => {
    if (over) return
    over = true
    receiver.ended(upstreamFault(code, server, what))
  }
  const reader = new LineReader({
    bytesMax,
    line: (line) => readLine(options, receiver, line),
    overflow: () => {
      end('upstream/too-large', `sent a message of more than ${bytesMax} bytes and was stopped.`)
      child.kill()
    },
  })
  child.stdout.on('data', (chunk: Buffer) => reader.push(chunk))
  child.stdout.once('end', () => {
    reader.end()
    void hangUp(world, child) // A server MAY close stdout and exit (S-008); one that only closes it is of no use.
  })
  const finish = async (): Promise<void> => {
    const how = await child.gone
    reader.end()
    end('upstream/broken', `${how}.`)
  }
  void finish()
  return {
    kind: 'stdio',
    pid: child.pid,
    send: (parcel) => {
      if (over || !child.stdin.writable || child.stdin.writableLength > UNREAD_BYTES_MAX) {
        refuse(server, receiver, parcel, over)
        return
      }
      if (parcel.id !== undefined) receiver.leaving(parcel.id)
      child.stdin.write(`${parcel.text}\n`)
      parcel.taken?.()
    },
    forget: () => undefined,
    listen: () => undefined,
    close: async () => {
      await child.stop()
      end('upstream/broken', 'was stopped.')
    },
  }
}

async function hangUp(world: World, child: RunningChild): Promise<void> {
  if (!(await within(world, END_MS, child.gone))) await child.stop()
}

function refuse(server: string, receiver: Receiver, { id, taken }: Parcel, over: boolean): void {
  taken?.()
  if (id === undefined) return
  const what = over ? 'is not running.' : 'does not read what it is sent; try again later.'
  receiver.lost(id, { fault: upstreamFault('upstream/unavailable', server, what) })
}

function readLine({ server, log }: StdioOptions, receiver: Receiver, line: string): void {
  const read = readJson(line)
  if (read.kind === 'value') {
    receiver.receive(read.value, line, undefined)
    return
  }
  if (read.kind === 'not-json') {
    // Reported and skipped, not fatal (S-003). Its content may be anything, so it is not repeated.
    log.warn({ server, chars: line.length }, 'a line on standard output is not JSON; skipped')
    return
  }
  const id = idOfDeep(line)
  log.warn({ server, id }, 'a message nests too deep; dropped')
  if (id !== undefined) {
    receiver.lost(id, {
      fault: upstreamFault('upstream/broken', server, 'answered with JSON that nests too deep.'),
    })
  }
}
