// Ten thousand frames that nobody meant: random JSON, and sound messages with something changed.

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { localAuthenticator } from '#auth'
import { serveStdio } from '#gateway'
import { openTestHouse, overStdio, uncaught, until, type TestHouse } from './house.ts'
import { ask, envelope, MODERN, modern, rpc, session } from './raw.ts'

const FRAMES = 5_000
const SEED = 20_261_122
let theHouse: TestHouse
before(async () => {
  theHouse = await openTestHouse({
    servers: { peer: overStdio('oldPeer') },
    limits: { requestReadMs: 60_000, listenMax: 0 },
  })
  await ask(theHouse.at('peer'), modern('tools/list'))
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

/** What the frames are made from. Nothing in here waits, so every frame has its answer. */
const TOOLS = [
  'echo',
  'write',
  'steps',
  'log',
  'structured',
  'ask_form',
  'need_url',
  'no_such',
  '__proto__',
]
const METHODS = [
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
  'tasks/get',
  'notifications/cancelled',
  'notifications/initialized',
  'constructor',
]
const ids = fc.oneof(fc.integer(), fc.string(), fc.constantFrom(0, '', null, 1.5, true, 2 ** 60))
const params = fc.record(
  {
    name: fc.constantFrom<unknown>(...TOOLS, 'hello', 7, null),
    uri: fc.constantFrom<unknown>(
      'peer://doc',
      'peer://item/1',
      'nobody://x',
      'countersign://peer/',
      7,
    ),
    arguments: fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.dictionary(fc.string(), fc.jsonValue())),
    cursor: fc.jsonValue({ maxDepth: 1 }),
    level: fc.constantFrom<unknown>('debug', 'error', 'loud', 3),
    ref: fc.constantFrom<unknown>(
      { type: 'ref/prompt', name: 'hello' },
      { type: 'ref/x' },
      null,
      'x',
    ),
    argument: fc.constantFrom<unknown>({ name: 'who', value: 'A' }, {}, null),
    notifications: fc.jsonValue({ maxDepth: 2 }),
    requestState: fc.jsonValue({ maxDepth: 1 }),
    inputResponses: fc.jsonValue({ maxDepth: 2 }),
    requestId: ids,
    protocolVersion: fc.constantFrom<unknown>('2025-11-25', '2025-03-26', MODERN, 'x', 7),
    capabilities: fc.jsonValue({ maxDepth: 2 }),
    task: fc.jsonValue({ maxDepth: 1 }),
    _meta: fc.oneof(
      fc.constant(envelope()),
      fc.constant(envelope({}, { elicitation: {}, sampling: {}, roots: {} })),
      fc.constant(envelope({ progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'debug' })),
      fc.jsonValue({ maxDepth: 2 }),
    ),
  },
  { requiredKeys: [] },
)
const message = fc.record(
  {
    jsonrpc: fc.constantFrom<unknown>('2.0', '2.0', '2.0', '1.0', 2),
    id: ids,
    method: fc.constantFrom<unknown>(...METHODS, 7),
    params,
  },
  { requiredKeys: ['jsonrpc'] },
)
const value = fc.oneof(
  { weight: 8, arbitrary: message },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.array(message, { maxLength: 4 }) },
  {
    weight: 1,
    arbitrary: fc.record({
      jsonrpc: fc.constant('2.0'),
      id: ids,
      result: fc.jsonValue({ maxDepth: 1 }),
    }),
  },
)
/** A sound text, or one in which a few characters are others, missing or doubled. */
const text = fc.oneof(
  { weight: 4, arbitrary: value.map((one) => JSON.stringify(one)) },
  {
    weight: 1,
    arbitrary: fc.tuple(value, fc.nat(), fc.string({ maxLength: 3 })).map(([one, at, other]) => {
      const whole = JSON.stringify(one)
      const place = at % (whole.length + 1)
      return `${whole.slice(0, place)}${other}${whole.slice(place + 1)}`
    }),
  },
)
const headers = fc.record(
  {
    'mcp-protocol-version': fc.constantFrom(MODERN, MODERN, MODERN, '2025-11-25', 'x'),
    'mcp-method': fc.constantFrom(...METHODS),
    'mcp-name': fc.constantFrom(...TOOLS, 'peer://doc', '=?base64?x?='),
    accept: fc.constantFrom('application/json, text/event-stream', 'application/json', '*/*', 'x'),
    'content-type': fc.nat(20).map((one) => (one === 0 ? 'text/plain' : 'application/json')),
    'last-event-id': fc
      .string({ unit: 'grapheme-ascii' })
      .map((one) => one.replaceAll(/[^\x21-\x7e]/g, 'x')),
  },
  { requiredKeys: ['content-type', 'accept'] },
)

/** One socket for all of them: what one frame leaves behind, the next one meets. */
class Line {
  readonly #socket: Socket
  readonly statuses: number[] = []
  #rest = Buffer.alloc(0)
  #look: () => void = () => undefined

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('error', () => undefined)
    this.#socket.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk])
      this.#look()
    })
    this.#socket.once('close', () => this.#look())
  }
  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }
  end(): void {
    this.#socket.destroy()
  }

  /** Sends one request, and resolves when its whole answer is there or the socket is gone. */
  async ask(head: string, body: string): Promise<void> {
    this.#socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
    for (;;) {
      const length = lengthOf(this.#rest)
      if (length !== undefined && this.#rest.length >= length) {
        this.statuses.push(Number(this.#rest.subarray(9, 12).toString()))
        // What is left of a body that was not read cannot be told from the next request.
        if (/^connection: close/im.test(this.#rest.subarray(0, length).toString())) this.end()
        this.#rest = this.#rest.subarray(length)
        return
      }
      if (this.#socket.destroyed) return
      // Each answer in its turn.
      // oxlint-disable-next-line eslint/no-await-in-loop
      await new Promise<void>((resolve) => {
        this.#look = resolve
      })
    }
  }
}

/** Bytes of the first response in the buffer, or undefined while that cannot be known. */
function lengthOf(bytes: Buffer): number | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.subarray(0, end).toString().toLowerCase()
  const declared = /content-length: (\d+)/.exec(head)?.[1]
  if (declared !== undefined) return end + 4 + Number(declared)
  if (!head.includes('transfer-encoding: chunked')) return end + 4
  const last = bytes.indexOf('0\r\n\r\n', end + 4)
  const isLast = last === end + 4 || bytes.subarray(last - 2, last).toString() === '\r\n'
  return last >= 0 && isLast ? last + 5 : undefined
}

async function echo(view: URL): Promise<void> {
  const { json } = await ask(
    view,
    modern('tools/call', { params: { name: 'echo', arguments: { a: 1 } } }),
  )
  assert.equal(json.result.content[0].text, '{"a":1}')
}

describe('random frames', () => {
  it(
    'over kept-alive HTTP are all answered, and then a call works',
    { timeout: 120_000 },
    async () => {
      const mine = await session(theHouse.at('peer'), '2025-03-26')
      const samples = fc.sample(fc.record({ text, headers, inSession: fc.boolean() }), {
        numRuns: FRAMES,
        seed: SEED,
      })
      let line = new Line(theHouse.port)
      const statuses: number[] = []
      for (const { text: body, headers: own, inSession } of samples) {
        if (!line.isOpen) {
          statuses.push(...line.statuses)
          line = new Line(theHouse.port)
        }
        const all = {
          host: 'localhost',
          ...own,
          ...(inSession ? { 'mcp-session-id': mine['mcp-session-id'] } : {}),
        }
        const head = Object.entries(all).map(([name, one]) => `${name}: ${String(one)}\r\n`)
        // oxlint-disable-next-line eslint/no-await-in-loop -- one connection, one request at a time
        await line.ask(`POST /mcp/peer HTTP/1.1\r\n${head.join('')}`, body)
      }
      statuses.push(...line.statuses)
      line.end()
      assert.equal(statuses.length, FRAMES)
      const bad = statuses.filter((status) => ![200, 202, 400, 404, 406, 415, 429].includes(status))
      assert.deepEqual(bad, [])
      for (const status of [200, 202, 400, 404])
        assert.ok(statuses.includes(status), String(status))
      await echo(theHouse.at('peer'))
    },
  )

  for (const era of ['legacy', 'modern'] as const) {
    it(
      `over a ${era} pipe do not end it, and then a call works`,
      { timeout: 120_000 },
      async () => {
        const { house } = theHouse
        const view = house.gateway.view('peer')
        assert.ok(view)
        const [input, output] = [new PassThrough(), new PassThrough()]
        const said = new Set<unknown>()
        createInterface({ input: output }).on('line', (one) => {
          for (const answer of [JSON.parse(one)].flat()) if (answer.result) said.add(answer.id)
        })
        const who = localAuthenticator(undefined)
        const over = serveStdio({
          gateway: house.gateway,
          who,
          view,
          input,
          output,
          limits: house.config.limits,
        })
        const begin =
          era === 'legacy'
            ? rpc('initialize', { protocolVersion: '2025-03-26' }, 'b')
            : rpc('tools/list', { _meta: envelope() }, 'b')
        input.write(`${JSON.stringify(begin)}\n`)
        await until('the pipe has its era', () => said.has('b'))
        const seed = era === 'legacy' ? SEED + 1 : SEED + 2
        for (const one of fc.sample(text, { numRuns: FRAMES / 2, seed })) {
          if (!input.write(`${one}\n`)) {
            // oxlint-disable-next-line eslint/no-await-in-loop -- as fast as it is taken
            await new Promise((resolve) => input.once('drain', resolve))
          }
        }
        const last = {
          name: 'echo',
          arguments: { last: era },
          ...(era === 'modern' ? { _meta: envelope() } : {}),
        }
        input.write(`${JSON.stringify(rpc('tools/call', last, 'last'))}\n`)
        await until('the last call is answered', () => said.has('last'))
        input.end()
        await over
        await echo(theHouse.at('peer'))
      },
    )
  }
})
