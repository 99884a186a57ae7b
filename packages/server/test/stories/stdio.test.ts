// `countersign serve --stdio`, started by official clients as desktop clients start it.

import assert from 'node:assert/strict'
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { connectV1, connectV2, textOf, type Peer, type Place } from './clients.ts'
import { makeFolder, overStdio, PROGRAMS, startHttp, until } from './house.ts'
import { envelope, rpc, type Wire } from './raw.ts'

const opened: (Disposable | AsyncDisposable)[] = []
let newUrl = ''
before(async () => {
  const modern = await startHttp('newPeer')
  opened.push(modern)
  newUrl = modern.url
})
after(async () => {
  for (const one of opened.toReversed()) {
    if (Symbol.asyncDispose in one) await one[Symbol.asyncDispose]()
    else one[Symbol.dispose]()
  }
})

type Started = Extract<Place, { command: string }>

/** A configuration in a folder of its own; how a client starts a gateway on it. */
function place(...more: readonly string[]): Started {
  const folder = makeFolder()
  opened.push(folder)
  const config = join(folder.path, 'countersign.json')
  const servers = { old: overStdio('oldPeer'), new: { url: newUrl } }
  writeFileSync(config, JSON.stringify({ listen: { port: 0 }, data: 'data', servers }))
  const args = [PROGRAMS.main, 'serve', '--stdio', '--config', config, ...more]
  return { command: process.execPath, args, env: { PATH: process.env['PATH'] ?? '' } }
}

const CLIENTS: Readonly<Record<string, (at: Place) => Promise<Peer>>> = {
  'client v2, auto': (at) => connectV2(at, 'auto'),
  'client v2, pinned': (at) => connectV2(at, 'pinned'),
  'client v2, legacy': (at) => connectV2(at, 'legacy'),
  'sdk v1': connectV1,
}

for (const [name, connect] of Object.entries(CLIENTS)) {
  describe(`${name}, over stdio`, () => {
    let peer: Peer
    before(async () => {
      peer = await connect(place())
    })
    after(() => peer.close())

    it('sees both servers under aggregated names, and is answered by both', async () => {
      // S-001, S-020, S-006, F-006
      const names = (await peer.tools()).map((tool) => tool['name'])
      assert.ok(names.includes('old_echo') && names.includes('new_echo'))
      assert.equal(textOf(await peer.call('old_echo', { a: 1 })), '{"a":1}')
      assert.equal(textOf(await peer.call('new_echo', { a: 2 })), '{"a":2}')
    })

    it('carries every character that JSON does not have to escape', async () => {
      // S-001: only a line feed ends a message.
      const said = 'line\u2028separator\u2029paragraph\u0085next\u007f\u00a0\ufeff😀'
      assert.deepEqual(JSON.parse(textOf(await peer.call('old_echo', { said }))), { said })
    })

    for (const server of ['old', 'new']) {
      it(`asks, reports and cancels on one pipe, in front of ${server}`, async () => {
        // S-005, S-007, P-003, P-010, BR-021
        const [said, sampled] = await Promise.all([
          peer.call(`${server}_ask_form`),
          peer.call(`${server}_sample`),
        ])
        assert.deepEqual(JSON.parse(textOf(said)), { action: 'accept', content: { name: 'Ada' } })
        assert.match(textOf(sampled), /Paris/)
        const abort = new AbortController()
        const waiting = peer.call(
          `${server}_wait`,
          {},
          {
            signal: abort.signal,
            onprogress: () => abort.abort(),
          },
        )
        await assert.rejects(waiting)
        await until('the server sees the cancellation', async () =>
          textOf(await peer.call(`${server}_seen`)).includes('cancelled'),
        )
      })

      it(`hears of changes, in front of ${server}`, async () => {
        const uri =
          server === 'old' ? 'countersign://old/peer://doc' : 'countersign://new/peer://doc'
        await peer.follow(uri)
        await until('the update is told', async () => {
          await peer.call(`${server}_touch`, { uri: 'peer://doc' })
          return peer.heard.includes(`updated ${uri}`)
        })
        await until('the new list is told', async () => {
          await peer.call(`${server}_grow`)
          return peer.heard.includes('notifications/tools/list_changed')
        })
      })
    }
  })
}

/** A gateway whose lines are the story's own. */
class Pipe implements AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams
  readonly said: Wire[] = []
  constructor({ command, args, env }: Started) {
    this.child = spawn(command, [...args], { env: { ...env } })
    this.child.stderr.pipe(process.stderr)
    this.child.stdin.on('error', () => undefined)
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.said.push(...[JSON.parse(line)].flat())
    })
  }
  write(line: unknown): void {
    this.child.stdin.write(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`)
  }
  answer(id: unknown): Promise<Wire> {
    return until(`an answer to ${String(id)}`, () => this.said.find((one) => one.id === id))
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
  }
}
const modernly = (method: string, id: unknown, params: object = {}) =>
  rpc(method, { ...params, _meta: envelope() }, id)
const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'x', version: '0' },
}

describe('the pipe itself', () => {
  it('lets a probe precede initialize, and then stays with the old era', async () => {
    // S-020, AM-14, AM-24
    await using pipe = new Pipe(place('--view', 'old'))
    pipe.write(rpc('server/discover', {}, 'bare'))
    assert.equal((await pipe.answer('bare')).error.code, -32602)
    pipe.write(modernly('server/discover', 'probe'))
    assert.deepEqual((await pipe.answer('probe')).result.supportedVersions, ['2026-07-28'])
    pipe.write(rpc('initialize', INITIALIZE, 0))
    assert.equal((await pipe.answer(0)).result.protocolVersion, '2025-11-25')
    pipe.write(modernly('tools/list', 'late'))
    assert.ok((await pipe.answer('late')).error)
    pipe.write(rpc('tools/call', { name: 'echo' }, 1))
    assert.equal((await pipe.answer(1)).result.content[0].text, '{}')
  })

  it('stays with the new era after its first request', async () => {
    // S-021
    await using pipe = new Pipe(place('--view', 'old'))
    pipe.write(modernly('tools/list', 1))
    await pipe.answer(1)
    pipe.write(rpc('initialize', INITIALIZE, 2))
    const { error } = await pipe.answer(2)
    assert.deepEqual([error.code, error.data.supported], [-32022, ['2026-07-28']])
    pipe.write(rpc('tools/list', {}, 3))
    assert.equal((await pipe.answer(3)).error.code, -32602)
  })

  it('forgives line ends and blank lines, answers what it cannot read, and ends with its input', async () => {
    // S-001, S-003, S-008
    await using pipe = new Pipe(place('--view', 'old'))
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    pipe.write(`\r\n\n   \n{"jsonrpc":\nnull\n7\n[]\n${deep}\n`)
    pipe.write(`${JSON.stringify(modernly('server/discover', 'crlf'))}\r\n`)
    await pipe.answer('crlf')
    const codes = pipe.said.flatMap(({ error }) => (error ? [error.code] : []))
    assert.deepEqual(codes, [-32700, -32600, -32600, -32600, -32600])
    assert.ok(pipe.said.every((one) => !('id' in one) || one.id !== null)) // H-093
    const gone = once(pipe.child, 'exit')
    pipe.child.stdin.end()
    assert.deepEqual(await gone, [0, null])
  })

  it('opens one session for two handshakes that come together', async () => {
    // H-073: two sessions on one pipe would tell everything twice.
    await using pipe = new Pipe(place('--view', 'old'))
    pipe.write(rpc('initialize', INITIALIZE, 1))
    pipe.write(rpc('initialize', INITIALIZE, 2))
    assert.ok((await pipe.answer(1)).result)
    assert.equal((await pipe.answer(2)).error.code, -32600)
    const changes = (): number =>
      pipe.said.filter(({ method }) => method === 'notifications/tools/list_changed').length
    // The first capture of the server is news of its own.
    pipe.write(rpc('tools/list', {}, 'list'))
    await pipe.answer('list')
    const earlier = changes()
    pipe.write(rpc('tools/call', { name: 'grow' }, 'grow'))
    await until('the change is told', () => changes() > earlier)
    pipe.write(rpc('ping', undefined, 'last'))
    await pipe.answer('last')
    assert.equal(changes(), earlier + 1)
  })

  it('answers a batch of an old client', async () => {
    // S-004
    await using pipe = new Pipe(place('--view', 'old'))
    pipe.write(rpc('initialize', { ...INITIALIZE, protocolVersion: '2025-03-26' }, 0))
    await pipe.answer(0)
    pipe.write([rpc('ping', undefined, 1), rpc('tools/call', { name: 'echo' }, 2)])
    assert.deepEqual((await pipe.answer(1)).result, {})
    assert.equal((await pipe.answer(2)).result.content[0].text, '{}')
  })

  for (const server of ['old', 'new']) {
    it(`carries progress earlier the answer, in both eras, in front of ${server}`, async () => {
      // P-002, P-003: the official clients drop what arrives together with the answer.
      const told = (pipe: Pipe): readonly unknown[] => {
        const end = pipe.said.findIndex(({ id }) => id === 'call')
        const earlier = pipe.said
          .slice(0, end)
          .filter(({ method }) => method === 'notifications/progress')
        return earlier.map(({ params }) => [params.progressToken, params.progress])
      }
      const steps = [
        ['t', 1],
        ['t', 2],
        ['t', 3],
      ]
      const params = { name: 'steps', _meta: { progressToken: 't' } }
      await using old = new Pipe(place('--view', server))
      old.write(rpc('initialize', INITIALIZE, 0))
      await old.answer(0)
      old.write(rpc('tools/call', params, 'call'))
      await old.answer('call')
      assert.deepEqual(told(old), steps)
      await using modern = new Pipe(place('--view', server))
      modern.write(
        rpc('tools/call', { name: 'steps', _meta: envelope({ progressToken: 't' }) }, 'call'),
      )
      await modern.answer('call')
      assert.deepEqual(told(modern), steps)
    })
  }

  it('of a second client is answered by the first one’s gateway', { timeout: 60_000 }, async () => {
    const shared = place('--view', 'old')
    await using first = new Pipe(shared)
    first.write(modernly('tools/call', 1, { name: 'write' }))
    assert.equal((await first.answer(1)).result.content[0].text, 'written')
    await using second = new Pipe(shared)
    second.write(modernly('tools/call', 1, { name: 'seen' }))
    assert.match((await second.answer(1)).result.content[0].text, /written/)
  })
})
