/** The inventory, collected by a server that is killed in the middle. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { copyExample, startGateway, startLife, until } from '../../test/e2e/task-life.ts'
import { openServices, writeCatalogue, type Services } from './services.ts'

const SERVER = join(import.meta.dirname, 'server.ts')

interface Scene extends AsyncDisposable {
  readonly folder: string
  readonly services: Services
  /** Every answer, in order, such as `harbour 5: 429`. */
  readonly answers: readonly string[]
}

async function openScene(place?: string): Promise<Scene> {
  const folder = place ?? (await mkdtemp(join(tmpdir(), 'inventory-')))
  const answers: string[] = []
  const services = await openServices((line) => answers.push(line))
  writeCatalogue(folder, services)
  return {
    folder,
    services,
    answers,
    [Symbol.asyncDispose]: async () => {
      await services[Symbol.asyncDispose]()
      if (place === undefined) await rm(folder, { recursive: true })
    },
  }
}

interface Summary {
  readonly name: string
  readonly items: number
  readonly missing: readonly unknown[]
  readonly doubts: readonly string[]
}
interface Collected {
  readonly isComplete: boolean
  readonly items: number
  readonly services: readonly Summary[]
}

/** What there is to be had, and what is said of the rest. */
function isRight({ isComplete, items, services }: Collected): void {
  assert.equal(isComplete, false)
  assert.deepEqual(
    services.map(({ name, items: had }) => [name, had]),
    [
      ['warehouse', 30],
      ['harbour', 60],
      ['attic', 30],
      ['market', 20],
      ['cellar', 0],
    ],
  )
  assert.equal(items, 140)
  const said = (name: string): Summary | undefined => services.find((one) => one.name === name)
  const why = 'what it answered is not JSON'
  assert.deepEqual(said('market')?.missing, [{ what: 'market, page 3', why }])
  assert.deepEqual(said('market')?.doubts, [
    'market-1 is listed twice',
    'market-2 is listed twice with different counts; 1000 was counted last',
  ])
  assert.deepEqual(said('cellar')?.missing, [{ what: 'cellar, page 1', why: 'it answered 500' }])
  for (const name of ['warehouse', 'harbour', 'attic'])
    assert.deepEqual(said(name)?.missing, [], name)
}

async function isWritten(folder: string, collected: Collected): Promise<void> {
  const file = JSON.parse(await readFile(join(folder, 'inventory.json'), 'utf8'))
  assert.deepEqual(file.services, collected.services)
  const ids: readonly string[] = file.items.map(({ id }: { id: string }) => id)
  assert.equal(new Set(ids).size, 140)
  assert.equal(ids.length, 140)
  assert.equal(file.items.find(({ id }: { id: string }) => id === 'market-2').count, 1_000)
}

const pagesIn = (answers: readonly string[]): readonly string[] =>
  answers.filter((line) => line.endsWith(': 200')).map((line) => line.replace(/:.*/, ''))

/** A page that another one of the same service was asked for after is recorded, and never had again. */
function isNotRepeated({ given }: Services, before: readonly string[]): void {
  assert.ok(before.includes('harbour 3'))
  const serviceOf = (page: string): string | undefined => page.split(' ', 1)[0]
  for (const [at, page] of before.entries()) {
    const isLast = !before.slice(at + 1).some((other) => serviceOf(other) === serviceOf(page))
    // The torn page is given again and again: that is its trouble.
    if (!isLast && page !== 'market 3') assert.equal(given.get(page), 1, page)
  }
}

test('a collection that is killed while a service keeps it waiting ends as if it had not been', async () => {
  await using scene = await openScene()
  const { folder, services, answers } = scene
  const reached = services.hold('harbour 4')
  let task: string
  {
    await using life = await startLife(SERVER, [folder])
    task = await life.begin('collect_inventory', {})
    await reached
    await life.kill()
  }
  const before = pagesIn(answers)
  await using life = await startLife(SERVER, [folder])
  const { structuredContent } = await life.result(task)
  const collected = structuredContent as unknown as Collected
  isRight(collected)
  await isWritten(folder, collected)
  assert.equal((await life.look(task)).status, 'completed')
  isNotRepeated(services, before)
  const found = await life.client.callTool({ name: 'find_item', arguments: { id: 'harbour-60' } })
  assert.match(JSON.stringify(found.structuredContent), /"service":"harbour"/)
})

test('a wait that a service asked for is kept to by the next life', async () => {
  await using scene = await openScene()
  const { folder, answers } = scene
  let task: string
  {
    await using life = await startLife(SERVER, [folder])
    task = await life.begin('collect_inventory', { only: ['harbour'] })
    await until('it is told to wait', async () => {
      const { statusMessage = '' } = await life.look(task)
      return statusMessage.includes('harbour, page 5')
    })
    // What came before is on disk once something later is: this is only asked for that.
    await life.begin('collect_inventory', { only: ['moon'] })
    await life.kill()
  }
  await using life = await startLife(SERVER, [folder])
  const { structuredContent } = await life.result(task)
  assert.deepEqual(structuredContent, {
    isComplete: true,
    items: 60,
    services: [{ name: 'harbour', items: 60, missing: [], doubts: [] }],
  })
  assert.deepEqual(answers, [
    'harbour 1: 200',
    'harbour 2: 200',
    'harbour 3: 200',
    'harbour 4: 200',
    'harbour 5: 429',
    'harbour 5: 200',
    'harbour 6: 200',
  ])
})

test('behind the gateway, a kill of both of them changes nothing for who holds the task', async () => {
  await using copy = await copyExample('inventory')
  await using scene = await openScene(join(copy.folder, '.countersign'))
  const { services, answers } = scene
  const config = join(copy.folder, 'countersign.yaml')
  const reached = services.hold('harbour 4')
  let task: string
  {
    await using life = await startGateway(config)
    task = await life.begin('inventory_collect_inventory', {})
    await reached
    await life.kill()
  }
  const before = pagesIn(answers)
  await using life = await startGateway(config)
  const { structuredContent } = await life.result(task)
  const collected = structuredContent as unknown as Collected
  isRight(collected)
  await isWritten(scene.folder, collected)
  isNotRepeated(services, before)
})

test('a service that nobody knows is refused, and says so', async () => {
  await using scene = await openScene()
  await using life = await startLife(SERVER, [scene.folder])
  const task = await life.begin('collect_inventory', { only: ['moon'] })
  const { isError, content } = await life.result(task)
  assert.equal(isError, true)
  assert.match(JSON.stringify(content), /No such service: moon/)
})
