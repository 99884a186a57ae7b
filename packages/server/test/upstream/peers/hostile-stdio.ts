// A process that speaks just enough MCP to be called, and then does as its arguments say.

import { createInterface } from 'node:readline'
import { INITIALIZED, answerTo, misbehave } from './hostile.ts'

const [probe = 'refuse'] = process.argv.slice(2)

const write = (text: string): void => void process.stdout.write(text)
const message = (text: string): void => write(`${text}\n`)
const say = (value: object): void => message(JSON.stringify({ jsonrpc: '2.0', ...value }))

const refusal = (id: unknown): object => ({ id, error: { code: -32601, message: 'unknown' } })

let waiting: unknown

function discover(id: unknown): void {
  if (probe === 'exit') process.exit(1)
  if (probe === 'silent') return
  if (probe === 'late') waiting = id
  else if (probe === 'shim') {
    say({ id, result: { supportedVersions: ['2025-11-25'], capabilities: {} } })
  } else say(refusal(id))
}

function call(id: unknown, name: string): void {
  if (misbehave(name, id, { write, message })) return
  switch (name) {
    case 'exit':
      return process.exit(7)
    case 'close':
      process.stdout.end()
      break
    case 'noise':
      process.stderr.write('e'.repeat(5 * 1024 * 1024))
      message(answerTo(id, 'drained'))
      break
    case 'drip': {
      const bytes = Buffer.from(`\r\n\n${answerTo(id, 'drop by drop: ü€😀')}\r\n`)
      for (const byte of bytes) process.stdout.write(Buffer.from([byte]))
      break
    }
    case 'ask':
      say({ id: 'q1', method: 'roots/list' })
      waiting = id
      break
    default:
      message(answerTo(id, name))
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id, method, params, result, error } = JSON.parse(line)
    if (method === 'server/discover') discover(id)
    else if (method === 'initialize') {
      if (probe === 'late') say(refusal(waiting))
      say({ id, result: INITIALIZED })
    } else if (method === 'tools/call') call(id, params.name)
    else if (method === undefined && id === 'q1') {
      message(answerTo(waiting, JSON.stringify(result ?? error)))
    }
  })
  .once('close', () => {
    if (probe !== 'stubborn') process.exit(0)
  })

if (probe === 'stubborn') {
  process.on('SIGTERM', () => undefined)
  setInterval(() => undefined, 60_000)
}
