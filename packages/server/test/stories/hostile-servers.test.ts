// Servers that misbehave, end to end: what the client is told, what the ledger says, what still works.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { OutgoingHttpHeaders } from 'node:http'
import {
  makeFolder,
  openTestHouse,
  OWN_TOOLS,
  overStdio,
  PROGRAMS,
  startHttp,
  uncaught,
  until,
  type TestHouse,
} from './house.ts'
import { ask, begin, legacy, modern, rpc, session, type Answer, type Wire } from './raw.ts'

let theHouse: TestHouse
let peer: AsyncDisposable
const sessions = new Map<string, OutgoingHttpHeaders>()
const CALL_MS = 3_000

/** What ends the process: each such story has a process of its own, or it would meet the backoff. */
const LETHAL = ['big', 'cut', 'deep', 'exit']
const placeOf = (view: string, tool: string): string => {
  const manner = tool.replace(/^(?:read|write)_/, '')
  return view === 'stdio' && LETHAL.includes(manner) ? tool.replace('_', '-') : view
}
const lethal = Object.fromEntries(
  LETHAL.flatMap((manner) =>
    ['read', 'write'].map((effect) => [
      placeOf('stdio', `${effect}_${manner}`),
      { ...overStdio('hostile'), messageBytesMax: '4 MiB' },
    ]),
  ),
)

before(async () => {
  const http = await startHttp('hostile')
  peer = http
  theHouse = await openTestHouse({
    servers: {
      stdio: { ...overStdio('hostile'), callTimeoutMs: CALL_MS, messageBytesMax: '4 MiB' },
      http: { url: http.url, callTimeoutMs: CALL_MS, messageBytesMax: '4 MiB' },
      ...lethal,
      good: overStdio('oldPeer'),
      missing: { command: 'countersign-no-such-program' },
      refused: { url: 'http://127.0.0.1:1/mcp' },
      brief: { command: process.execPath, args: ['-e', 'process.exit(3)'] },
    },
  })
  sessions.set('http', await session(theHouse.at('http')))
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

type Era = 'modern' | 'legacy'
async function call(view: string, era: Era, name: string): Promise<Answer> {
  if (era === 'modern') return ask(theHouse.at(view), modern('tools/call', { params: { name } }))
  return ask(theHouse.at(view), legacy(rpc('tools/call', { name }), sessions.get(view) ?? {}))
}

interface Case {
  readonly does: string
  readonly manner: string
  /** The words of the answer; undefined where the call has to fail. */
  readonly words?: string
  /** What the client reads when a read fails. */
  readonly why?: RegExp
  /** True where the server itself refused, or nothing of ours can have been done. */
  readonly isKnown?: boolean
}
const CASES: readonly Case[] = [
  { does: 'never answers', manner: 'never', why: /within 3 s/ },
  { does: 'sends garbage before its answer', manner: 'garbage', words: 'after garbage' },
  { does: 'answers twice', manner: 'twice', words: 'first' },
  { does: 'answers what nobody asked', manner: 'stranger', words: 'yours' },
  { does: 'answers with neither result nor error', manner: 'malformed', why: /not JSON-RPC/ },
  { does: 'floods', manner: 'flood', words: 'dry' },
  { does: 'nests its answer 100,000 deep', manner: 'deep', why: /deep/ },
  { does: 'answers 50 MB', manner: 'big', why: /large|exceed|more than/ },
  { does: 'closes its stream in the middle', manner: 'cut', why: /./ },
  { does: 'exits', manner: 'exit', why: /exited|closed|broke/ },
]

const closings = async (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  (await theHouse.entries()).flatMap(({ kind, body }) => (kind === 'call.closed' ? [body] : []))

for (const [view, era] of [
  ['stdio', 'modern'],
  ['http', 'legacy'],
] as const) {
  describe(`a ${era} client in front of a server over ${view}`, () => {
    for (const { does, manner, words, why } of CASES) {
      // Over HTTP the process is not ours to start again.
      if (view === 'http' && manner === 'exit') continue

      it(`that ${does}: a read is answered honestly, and the next call works`, async () => {
        // S-010, H-090, H-095, P-012, P-013, BR-012
        const place = placeOf(view, `read_${manner}`)
        const { status, json } = await call(place, era, `read_${manner}`)
        assert.equal(status, 200)
        if (words !== undefined) assert.equal(json.result.content[0].text, words)
        else {
          assert.equal(json.error.code, -32603, JSON.stringify(json))
          assert.match(json.error.message, why ?? /./)
          assert.ok(json.error.message.length < 1_000)
        }
        const [closed] = (await closings()).slice(-1)
        assert.equal(closed?.['outcome'], words === undefined ? 'failed' : 'answered')
        const next = await call(place, era, 'read_well')
        assert.equal(next.json.result?.content[0].text, 'well', JSON.stringify(next.json))
      })

      it(`that ${does}: a write is never said to have failed when it may have happened`, async () => {
        // BR-012, BR-013
        const place = placeOf(view, `write_${manner}`)
        const { status, json } = await call(place, era, `write_${manner}`)
        assert.equal(status, 200)
        if (words !== undefined) assert.equal(json.result.content[0].text, words)
        else {
          assert.equal(json.result?.isError, true, JSON.stringify(json))
          const [{ text }] = json.result.content
          assert.match(text, /^Unknown outcome\. .*Do not repeat/)
          assert.ok(text.endsWith('\n'))
          assert.equal(json.result.content.length, 1)
          assert.equal((await closings()).at(-1)?.['outcome'], 'unknown')
        }
        const next = await call(place, era, 'read_well')
        assert.equal(next.json.result?.content[0].text, 'well', JSON.stringify(next.json))
      })
    }

    it('lists the sound tools of a server that also lists unsound ones', async () => {
      // F-008, F-015
      const url = theHouse.at(view)
      const asked =
        era === 'modern'
          ? modern('tools/list')
          : legacy(rpc('tools/list'), sessions.get(view) ?? {})
      const { json } = await ask(url, asked)
      const names = json.result.tools.map(({ name }: Wire) => name)
      assert.equal(names.filter((name: unknown) => name === 'read_well').length, 1)
      assert.ok(
        !names.includes('no_schema') && !names.includes('array_schema') && !names.includes(7),
      )
    })
  })
}

describe('a server that cannot be reached', () => {
  it('is left out of the lists, and the others are served', async () => {
    // F-041, L-016
    const { json } = await ask(theHouse.at(), modern('tools/list'))
    const names: readonly string[] = json.result.tools.map(({ name }: Wire) => name)
    assert.ok(names.includes('good_echo') && names.includes('stdio_read_well'))
    assert.ok(!names.some((name) => /^(?:missing|refused|brief)_/.test(name)))
    const good = await ask(theHouse.at(), modern('tools/call', { params: { name: 'good_echo' } }))
    assert.equal(good.json.result.content[0].text, '{}')
  })

  it('and never answers, does not delay calls to the others', async () => {
    // L-016, F-041
    const hanging = { command: process.execPath, args: ['-e', 'process.stdin.resume()'] }
    await using other = await openTestHouse({ servers: { hanging, good: overStdio('oldPeer') } })
    await ask(other.at('good'), modern('tools/list'))
    let isListed = false
    const listing = begin(other.at(), modern('tools/list'))
    const watch = async (): Promise<void> => {
      await (await listing).event(({ result }) => result)
      isListed = true
    }
    void watch().catch(() => undefined)
    for (const method of ['tools/call', 'prompts/get', 'resources/read']) {
      const params = { name: method === 'tools/call' ? 'good_echo' : 'good_hello' }
      const asked = method === 'resources/read' ? { uri: 'peer://doc' } : params
      const { json } = await ask(other.at(), modern(method, { params: asked }))
      assert.ok(json.result, JSON.stringify(json))
    }
    assert.equal(isListed, false)
    await other.house.upstreams.get('hanging')?.close() // Or the list would be waited for.
    await (
      await listing
    ).ended
  })

  it('at first, is announced to those who listed without it', async () => {
    // L-015, F-041: it comes up when it is tried again.
    using folder = makeFolder()
    const sign = join(folder.path, 'ready')
    const later = `require('node:fs').existsSync(${JSON.stringify(sign)}) || process.exit(1)`
    const script = `${later}; import(${JSON.stringify(PROGRAMS.oldPeer)})`
    await using other = await openTestHouse({
      servers: { late: { command: process.execPath, args: ['--eval', script, '--', '--stdio'] } },
    })
    const filter = { notifications: { toolsListChanged: true } }
    const stream = await begin(other.at(), modern('subscriptions/listen', { params: filter }))
    const earlier = await ask(other.at(), modern('tools/list'))
    const namesIn = ({ json }: Answer): readonly string[] =>
      json.result.tools.map(({ name }: Wire) => name)
    assert.deepEqual(namesIn(earlier), OWN_TOOLS) // Nothing of a server.
    writeFileSync(sign, '')
    await until('it is listed', async () => {
      const names = namesIn(await ask(other.at(), modern('tools/list')))
      return names.some((name) => name.startsWith('late_'))
    })
    await stream.event(({ method }) => method === 'notifications/tools/list_changed')
    stream.drop()
  })

  for (const view of ['missing', 'refused', 'brief']) {
    it(`says so when it is called by its own view: ${view}`, async () => {
      const { status, json } = await ask(
        theHouse.at(view),
        modern('tools/call', { params: { name: 'x' } }),
      )
      assert.equal(status, 200)
      assert.ok([-32602, -32603].includes(json.error.code), JSON.stringify(json))
      const discovered = await ask(theHouse.at(view), modern('server/discover'))
      assert.equal(discovered.status, 200)
    })
  }
})
