/** Rollouts that are killed, refused, and that go wrong. The host is the witness: it outlives them. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAlive, untilGone } from '../../test/e2e/run-quickstart.ts'
import {
  copyExample,
  startGateway,
  startLife,
  until,
  type Life,
  type Reply,
} from '../../test/e2e/task-life.ts'
import { build } from './build.ts'
import { openHost, type Host } from './host.ts'

const SERVER = join(import.meta.dirname, 'server.ts')
const yes: Reply = () => ({ action: 'accept', content: { yes: true } })

interface Scene extends AsyncDisposable {
  readonly folder: string
  readonly host: Host
  readonly start: (reply?: Reply) => Promise<Life>
  /** What the public gets. */
  readonly version: () => Promise<string | null>
  /** What the host did since it began, without the digests of the releases. */
  readonly journal: () => readonly string[]
}

async function openScene(place?: string): Promise<Scene> {
  const folder = place ?? (await mkdtemp(join(tmpdir(), 'deployment-')))
  const first = await build(folder, { version: '1', greeting: 'Hello', defect: 'none' })
  const host = await openHost(folder, first)
  const everyPid = new Set(host.pids())
  return {
    folder,
    host,
    start: (reply) => startLife(SERVER, [folder], reply),
    version: async () => (await fetch(host.url)).headers.get('x-version'),
    journal: () => host.journal.map((line) => line.replace(/-[0-9a-f]{8}/, '')),
    [Symbol.asyncDispose]: async () => {
      for (const pid of host.pids()) everyPid.add(pid)
      await host[Symbol.asyncDispose]()
      await untilGone([...everyPid])
      if (place === undefined) await rm(folder, { recursive: true })
    },
  }
}

/** An upload that has begun: the release that has it must be able to end it. */
async function beginUpload(host: Host): Promise<ClientRequest> {
  const upload = request(host.url, { method: 'POST', agent: false })
  upload.write('begun, ')
  await until('the upload has arrived', () => host.inFlight() === 1)
  return upload
}

async function endUpload(upload: ClientRequest): Promise<string | undefined> {
  const answered = once(upload, 'response') as Promise<[IncomingMessage]>
  upload.end('ended')
  const [response] = await answered
  response.resume()
  return `${String(response.statusCode)} of ${String(response.headers['x-version'])}`
}

const BEGAN = 'started 1 in blue'
const ROLLED_OUT = [BEGAN, 'started 2 in green', 'sent everybody to green', 'stopped 1 in blue']

test('killed between start and switch, it asks again, and nothing is started twice', async () => {
  await using scene = await openScene()
  const [blue = 0] = scene.host.pids()
  let task: string
  {
    await using life = await scene.start()
    task = await life.begin('roll_out', { version: '2' })
    await until('it asks', async () => (await life.look(task)).status === 'input_required')
    await life.kill()
  }
  assert.equal(await scene.version(), '1')
  const asked: string[] = []
  await using life = await scene.start((message) => {
    asked.push(message)
    return yes(message)
  })
  const { structuredContent } = await life.result(task)
  assert.equal(structuredContent?.['isLive'], true)
  assert.match(asked.join('\n'), /^2-[0-9a-f]{8} is healthy in green[^\n]*$/)
  assert.deepEqual(scene.journal(), ROLLED_OUT)
  assert.equal(await scene.version(), '2')
  assert.equal(scene.host.pids().length, 1)
  assert.equal(isAlive(blue), false)
})

test('killed between switch and drain, it waits for the last request, and then stops blue', async () => {
  await using scene = await openScene()
  const upload = await beginUpload(scene.host)
  let task: string
  {
    await using life = await scene.start(yes)
    task = await life.begin('roll_out', { version: '2' })
    const result = life.result(task).catch(() => undefined) // It asks along the way.
    await until('everybody is in green', () => scene.journal().at(-1) === 'sent everybody to green')
    await life.kill()
    await result
  }
  assert.equal(scene.host.pids().length, 2)
  await using life = await scene.start(yes)
  const result = life.result(task)
  assert.equal(await scene.version(), '2')
  assert.equal(await endUpload(upload), '200 of 1')
  const { structuredContent } = await result
  assert.equal(structuredContent?.['isLive'], true)
  assert.deepEqual(scene.journal(), ROLLED_OUT)
  assert.equal(scene.host.pids().length, 1)
})

/** What is left of a rollout that was taken back: nothing. */
async function isAsBefore(scene: Scene, done: readonly string[]): Promise<void> {
  assert.deepEqual(scene.journal(), [BEGAN, ...done])
  assert.equal(await scene.version(), '1')
  assert.equal(scene.host.pids().length, 1)
  assert.equal(readdirSync(join(scene.folder, 'releases')).length, 1)
}

test('when the answer is no, everything is taken back', async () => {
  await using scene = await openScene()
  await using life = await scene.start(() => ({ action: 'accept', content: { yes: false } }))
  const { structuredContent } = await life.result(await life.begin('roll_out', { version: '2' }))
  assert.equal(structuredContent?.['isLive'], false)
  assert.match(String(structuredContent?.['why']), /answer was no/)
  await isAsBefore(scene, ['started 2 in green', 'stopped 2 in green'])
})

test('when nobody can be asked, that is no yes', async () => {
  await using scene = await openScene()
  await using life = await scene.start(() => ({ action: 'cancel' }))
  const { structuredContent } = await life.result(await life.begin('roll_out', { version: '2' }))
  assert.match(String(structuredContent?.['why']), /^Nobody answered/)
  await isAsBefore(scene, ['started 2 in green', 'stopped 2 in green'])
})

test('a release that is not healthy is taken back without a question', async () => {
  await using scene = await openScene()
  await using life = await scene.start(() => assert.fail('it asked'))
  const task = await life.begin('roll_out', { version: '2', defect: 'unhealthy' })
  const { isError, content } = await life.result(task)
  assert.equal(isError, true)
  assert.match(JSON.stringify(content), /not healthy/)
  await isAsBefore(scene, ['started 2 in green', 'stopped 2 in green'])
})

test('a release that fails in traffic is switched back, also when that is cut off', async () => {
  await using scene = await openScene()
  let task: string
  {
    await using life = await scene.start(yes)
    task = await life.begin('roll_out', { version: '2', defect: 'unwell-in-traffic' })
    const result = life.result(task).catch(() => undefined)
    await until('it is switched back', () => scene.journal().includes('sent everybody to blue'))
    await life.kill()
    await result
  }
  await using life = await scene.start(yes)
  const { isError, content } = await life.result(task)
  assert.equal(isError, true)
  assert.match(JSON.stringify(content), /5 of 5 requests failed after the switch/)
  await isAsBefore(scene, [
    'started 2 in green',
    'sent everybody to green',
    'sent everybody to blue',
    'stopped 2 in green',
  ])
})

test('behind the gateway, a kill of both of them leaves the question where it was', async () => {
  await using copy = await copyExample('deployment')
  await using scene = await openScene(join(copy.folder, '.countersign'))
  const config = join(copy.folder, 'countersign.yaml')
  let task: string
  {
    await using life = await startGateway(config, yes)
    task = await life.begin('deployment_roll_out', { version: '2' })
    await until('it asks', async () => (await life.look(task)).status === 'input_required')
    await life.kill()
  }
  assert.equal(scene.host.pids().length, 2)
  await using life = await startGateway(config, yes)
  const { structuredContent } = await life.result(task)
  assert.equal(structuredContent?.['isLive'], true)
  assert.deepEqual(scene.journal(), ROLLED_OUT)
  assert.equal(scene.host.pids().length, 1)
  assert.equal(await scene.version(), '2')
})
