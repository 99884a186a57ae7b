import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { startKeeper } from '#upstream'
import { LastLines } from '../../src/upstream/last-lines.ts'
import { startChild } from '../../src/upstream/start-child.ts'
import { program } from './fakes/story.ts'

/** Hears from processes that live, and when they no longer do. */
async function attend(...names: readonly string[]) {
  const alive = new Map<string, Promise<unknown>>()
  const all = Promise.withResolvers<void>()
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined)
    const gone = once(socket, 'close')
    socket.once('data', (name) => {
      alive.set(String(name), gone)
      if (names.every((one) => alive.has(one))) all.resolve()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address)
  return {
    port: String(address.port),
    everybody: all.promise,
    gone: async () => {
      await Promise.all(alive.values())
      server.close()
    },
  }
}

test('no child and no daemon of a child outlives a house that is killed without a word', async () => {
  const hall = await attend('polite', 'stubborn', 'daemon')
  const { command, args } = program('keeper-parent.ts', hall.port)
  const parent = spawn(command, args, { stdio: 'inherit' })
  await hall.everybody
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  await hall.gone()
})

test('closing the keeper ends what is still kept', async () => {
  const hall = await attend('stubborn')
  const keeper = startKeeper(systemWorld)
  const child = program('keeper-child.ts', hall.port, 'stubborn')
  const running = startChild({ world: systemWorld, keeper }, child, new LastLines())
  await hall.everybody
  await keeper.close()
  await hall.gone()
  assert.equal(await running.gone, 'was ended by SIGKILL')
})

test('a keeper that died is replaced for the next child, and still knows the earlier ones', async () => {
  const hall = await attend('stubborn', 'polite')
  const pids: number[] = []
  const world: typeof systemWorld = {
    ...systemWorld,
    spawn: (spec) => {
      const child = systemWorld.spawn(spec)
      if (spec.command === '/bin/sh' && child.pid !== undefined) pids.push(child.pid)
      return child
    },
  }
  const keeper = startKeeper(world)
  const start = (manner: string) =>
    startChild({ world, keeper }, program('keeper-child.ts', hall.port, manner), new LastLines())
  start('stubborn')
  const [first] = pids
  assert.ok(first !== undefined)
  process.kill(first, 'SIGKILL')
  // The next child is started once the house has noticed.
  while (pids.length === 1) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    keeper.marker()
  }
  start('polite')
  await hall.everybody
  await keeper.close()
  await hall.gone()
})

test('a group that was adopted dies with the house even when its processes hide the marker', async () => {
  const hall = await attend('stubborn', 'polite')
  const keeper = startKeeper(systemWorld)
  keeper.marker()
  for (const manner of ['stubborn', 'polite']) {
    // Not through `startChild`, which marks what it starts.
    const spec = program('keeper-child.ts', hall.port, manner)
    const { pid } = systemWorld.spawn({ ...spec, group: true })
    assert.ok(pid !== undefined)
    keeper.adopt(pid)
  }
  await hall.everybody
  await keeper.close()
  await hall.gone()
})

test('a group that was released is left alone', async () => {
  const hall = await attend('stubborn')
  const keeper = startKeeper(systemWorld)
  keeper.marker()
  const child = systemWorld.spawn({
    ...program('keeper-child.ts', hall.port, 'stubborn'),
    group: true,
  })
  const { pid } = child
  assert.ok(pid !== undefined)
  keeper.adopt(pid + 1_000_000)
  keeper.adopt(pid)
  keeper.release(pid)
  keeper.release(pid + 1_000_000)
  await hall.everybody
  await keeper.close()
  assert.equal(process.kill(pid, 0), true)
  child.kill('SIGKILL')
  await hall.gone()
})
