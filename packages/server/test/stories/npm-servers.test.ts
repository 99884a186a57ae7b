// The three servers from npm that the quick start runs, behind one endpoint, for every client.

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { realpathSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connectV1, connectV2, textOf, type Loose, type Peer, type Place } from './clients.ts'
import { makeFolder, openTestHouse, OWN_TOOLS, uncaught, until, type TestHouse } from './house.ts'

const require = createRequire(import.meta.url)
const program = (name: string, file: string): string =>
  join(require.resolve(`@modelcontextprotocol/${name}/package.json`), '..', 'dist', file)
const EVERYTHING = program('server-everything', 'index.js')

const folder = makeFolder()
let theHouse: TestHouse
let everything: ChildProcess

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

before(async () => {
  const port = await freePort()
  everything = spawn(process.execPath, [EVERYTHING, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}/mcp`
  await until('the server listens', async () => {
    const answer = await fetch(url).catch(() => undefined)
    await answer?.body?.cancel()
    return answer !== undefined
  })
  const path = realpathSync(folder.path)
  writeFileSync(join(path, 'note.txt'), 'a note\n')
  const node = (file: string, ...args: string[]) => ({
    command: process.execPath,
    args: [file, ...args],
  })
  theHouse = await openTestHouse({
    servers: {
      everything: node(EVERYTHING, 'stdio'),
      'everything-http': { url },
      files: node(program('server-filesystem', 'index.js'), path),
      memory: {
        ...node(program('server-memory', 'index.js')),
        env: { MEMORY_FILE_PATH: join(path, 'memory.jsonl') },
      },
    },
  })
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  everything.kill()
  folder[Symbol.dispose]()
  assert.deepEqual(uncaught, [])
})

const CLIENTS: Readonly<Record<string, (at: Place) => Promise<Peer>>> = {
  'client v2, auto': (at) => connectV2(at, 'auto'),
  'client v2, legacy': (at) => connectV2(at, 'legacy'),
  'sdk v1': connectV1,
}

for (const [name, connect] of Object.entries(CLIENTS)) {
  describe(`${name}, in front of everything, filesystem and memory`, () => {
    let peer: Peer
    before(async () => {
      peer = await connect({ url: theHouse.at() })
    })
    after(() => peer.close())

    it('lists all tools under names that every client accepts', async () => {
      // F-003, F-004, F-005, F-006, AM-16
      const tools = await peer.tools()
      const names = tools.map((tool) => String(tool['name']))
      // Ours come last, in an order of their own.
      const theirs = names.slice(0, -OWN_TOOLS.length)
      assert.deepEqual(names, [...theirs.toSorted(), ...OWN_TOOLS])
      assert.equal(new Set(names).size, names.length)
      for (const one of names) assert.match(one, /^(?!.*__)[a-z][a-z0-9_]{0,44}$/)
      for (const prefix of ['everything_', 'everything_http_', 'files_', 'memory_']) {
        assert.ok(
          names.some((one) => one.startsWith(prefix)),
          prefix,
        )
      }
      assert.ok(tools.every((tool) => typeof tool['description'] === 'string'))
    })

    for (const server of ['everything', 'everything_http']) {
      it(`calls ${server}: echo, sum, progress, an image, sampling`, async () => {
        assert.match(textOf(await peer.call(`${server}_echo`, { message: 'hi' })), /hi/)
        assert.match(textOf(await peer.call(`${server}_get_sum`, { a: 2, b: 3 })), /5/)
        const image = await peer.call(`${server}_get_tiny_image`)
        assert.ok(image.content.some(({ type }) => type === 'image'))
        const structured = await peer.call(`${server}_get_structured_content`, {
          location: 'Chicago',
        })
        assert.equal(typeof (structured['structuredContent'] as Loose)['temperature'], 'number')
        // A name that would be too long carries a hash, so it is looked up.
        const long = (await peer.tools())
          .map((tool) => String(tool['name']))
          .find((one) => one.startsWith(`${server}_trigger_long`))
        const args = { duration: 0.2, steps: 2 }
        const steps: number[] = []
        await peer.call(String(long), args, {
          onprogress: ({ progress }) => void steps.push(progress),
        })
        assert.deepEqual(
          steps.toSorted((a, b) => a - b),
          steps,
        )
        assert.ok(steps.length > 0)
      })
    }

    it('reads and writes a file, and is refused what is outside', async () => {
      const path = join(realpathSync(folder.path), 'note.txt')
      assert.equal(textOf(await peer.call('files_read_text_file', { path })), 'a note\n')
      const refused = await peer.call('files_read_text_file', { path: '/etc/hostname' })
      assert.equal(refused.isError, true) // F-012, AM-27
    })

    it('remembers', async () => {
      const entity = {
        name: name.replaceAll(/\W/g, '_'),
        entityType: 'client',
        observations: ['was here'],
      }
      await peer.call('memory_create_entities', { entities: [entity] })
      assert.match(textOf(await peer.call('memory_read_graph')), new RegExp(entity.name))
    })

    it('reads a resource that two servers claim, from each of them', async () => {
      // F-007
      const uris = (await peer.resources()).map((one) => String(one['uri']))
      const claimed = uris.filter((uri) => uri.startsWith('countersign://'))
      assert.ok(claimed.length > 0)
      for (const server of ['everything', 'everything-http']) {
        const uri = claimed.find((one) => one.startsWith(`countersign://${server}/`)) ?? ''
        const [content] = await peer.read(uri)
        assert.equal(content?.['uri'], uri)
      }
    })
  })
}

describe('what happened', () => {
  it('is in the ledger: each call opened and closed, with its effect class', async () => {
    const entries = await theHouse.entries()
    const openings = entries.filter(({ kind }) => kind === 'call.opened')
    const closings = entries.filter(({ kind }) => kind === 'call.closed')
    assert.ok(openings.length > 20)
    assert.deepEqual(
      new Set(openings.map(({ call }) => call)),
      new Set(closings.map(({ call }) => call)),
    )
    const effect = (tool: string): unknown =>
      openings.find(({ body }) => body['name'] === tool)?.body['effect']
    assert.equal(effect('read_text_file'), 'read')
    assert.notEqual(effect('create_entities'), 'read')
  })
})
