import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { openStore, type Store } from '#store'
import type { Introduction, Upstream } from '#upstream'
import { makeRules } from './rules.ts'
import { REGISTRY_TABLES, sqliteCatalog } from './sqlite-catalog.ts'
import { makeCatalog, type Catalog } from './catalog.ts'

const INTRODUCTION: Introduction = {
  era: 'legacy',
  revision: '2025-11-25',
  capabilities: {},
  serverInfo: {},
  instructions: undefined,
  probedAt: 0,
}

/** A server whose tools a test names, and whose answers it may hold back. */
function makePeer() {
  const peer = {
    tools: ['a'],
    asked: 0,
    /** Waited for after the list was read, as an answer that is on its way. */
    isAnswered: Promise.resolve(),
    upstream: {
      spec: { id: 'peer', transport: { kind: 'http' } },
      introduce: async () => INTRODUCTION,
      list: async (kind: string) => {
        if (kind !== 'tool') return { items: [], ttlMs: 0, problems: [] }
        peer.asked++
        const items = peer.tools.map((name) => ({ name, inputSchema: { type: 'object' } }))
        await peer.isAnswered
        return { items, ttlMs: 0, problems: [] }
      },
    } as unknown as Upstream,
  }
  return peer
}

/** A catalog in memory whose commits fail while `isFull`, and what it told. */
async function open() {
  const store = openStore(':memory:', [REGISTRY_TABLES])
  const told: string[] = []
  const disk = { isFull: false }
  const failing: Store = {
    ...store,
    commit: (write, withinMs) =>
      store.commit(() => {
        if (disk.isFull) throw new Error('database or disk is full')
        return write()
      }, withinMs),
  }
  const catalog = makeCatalog({
    world: systemWorld,
    store: sqliteCatalog(failing, makeRules({})),
    onChange: (_server, changes) => void told.push(...changes.map(({ name }) => name)),
    onProblem: () => undefined,
    onReplaced: (server) => void told.push(`replaced ${server}`),
  })
  await catalog.admit('peer', 'one')
  return { catalog, told, disk }
}

const toolsOf = (catalog: Catalog): readonly string[] =>
  catalog.listed('peer').definitions.tool.map(({ name }) => name)

test('a change that is announced while a capture runs is captured after it, once for all', async () => {
  const { catalog, told } = await open()
  const peer = makePeer()
  await catalog.capture(peer.upstream)
  const answer = Promise.withResolvers<void>()
  peer.isAnswered = answer.promise
  const running = catalog.capture(peer.upstream)
  await new Promise((resolve) => setImmediate(resolve))
  peer.tools = ['a', 'b']
  const announced = [catalog.recapture(peer.upstream), catalog.recapture(peer.upstream)]
  answer.resolve()
  await running
  assert.deepEqual(toolsOf(catalog), ['a'])
  await Promise.all(announced)
  assert.deepEqual(toolsOf(catalog), ['a', 'b'])
  assert.deepEqual([peer.asked, told], [3, ['b']])
})

test('an announced change is captured also when the running capture fails', async () => {
  const { catalog } = await open()
  const peer = makePeer()
  const answer = Promise.withResolvers<void>()
  peer.isAnswered = answer.promise
  const running = catalog.capture(peer.upstream)
  await new Promise((resolve) => setImmediate(resolve))
  peer.isAnswered = Promise.resolve()
  const announced = catalog.recapture(peer.upstream)
  answer.reject(new Error('it broke'))
  await assert.rejects(running)
  await announced
  assert.deepEqual(toolsOf(catalog), ['a'])
})

test('a change that could not be stored is told when it is', async () => {
  const { catalog, told, disk } = await open()
  const peer = makePeer()
  await catalog.capture(peer.upstream)
  peer.tools = ['a', 'b']
  disk.isFull = true
  await assert.rejects(catalog.capture(peer.upstream))
  assert.deepEqual([toolsOf(catalog), told], [['a'], []])
  disk.isFull = false
  await catalog.capture(peer.upstream)
  assert.deepEqual([toolsOf(catalog), told], [['a', 'b'], ['b']])
})

test('what is stored of another server is forgotten, and that is told once', async () => {
  const { catalog, told } = await open()
  await catalog.capture(makePeer().upstream)
  await catalog.admit('peer', 'one')
  assert.deepEqual([toolsOf(catalog), told], [['a'], []])
  await catalog.admit('peer', 'two')
  await catalog.admit('peer', 'two')
  assert.deepEqual([toolsOf(catalog), told], [[], ['replaced peer']])
})
