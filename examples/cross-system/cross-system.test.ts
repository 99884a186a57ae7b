/** One run over three systems: placed and taken back, and cut off where nobody knows what happened. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ROOT } from '../../test/e2e/run-quickstart.ts'
import { copyExample, startGateway, until } from '../../test/e2e/task-life.ts'
import { bookIn, type Hold } from './book.ts'
import { placeOrder, type Order } from './place-order.ts'

const MAIN = join(ROOT, 'packages/server/src/main.ts')
const run = promisify(execFile)

const ORDER: Order = {
  order: 'order-1',
  item: 'kettle',
  count: 2,
  cents: 4_980,
  address: '1 Main Street',
}
const SYSTEMS = ['stock', 'ledger', 'shipping'] as const

interface Scene extends AsyncDisposable {
  readonly start: (ledgerAnswerMs?: number) => ReturnType<typeof startGateway>
  /** A command of the CLI, with `--json`: what it prints, line by line. */
  readonly cli: (...args: readonly string[]) => Promise<readonly Line[]>
  /** What the systems hold, or held, for any order, and every request that ever came to them. */
  readonly held: () => readonly Hold[]
  readonly requests: () => Readonly<Record<string, readonly string[]>>
}
/** Of a task or of an entry of the gateway's ledger, what is looked at here. */
interface Line {
  readonly id?: string
  readonly run?: string
  readonly server?: string
  readonly tool?: string
  readonly state?: string
  readonly kind?: string
  readonly body?: { readonly server?: string; readonly name?: string }
}

async function openScene(): Promise<Scene> {
  const copy = await copyExample('cross-system')
  const config = join(copy.folder, 'countersign.yaml')
  const folder = join(copy.folder, '.countersign/systems')
  const look = <Found>(system: string, at: (book: ReturnType<typeof bookIn>) => Found) => {
    if (!existsSync(join(folder, `${system}.db`))) return undefined
    const book = bookIn(folder, system)
    try {
      return at(book)
    } finally {
      book.close()
    }
  }
  return {
    start: (ledgerAnswerMs = 0) => {
      process.env['LEDGER_ANSWER_MS'] = String(ledgerAnswerMs)
      return startGateway(config)
    },
    cli: async (...args) => {
      const { stdout } = await run(process.execPath, [MAIN, ...args, '--config', config, '--json'])
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    },
    held: () =>
      SYSTEMS.flatMap((system) =>
        ['order-1', 'order-2'].flatMap((order) => look(system, (book) => book.of(order)) ?? []),
      ),
    requests: () =>
      Object.fromEntries(
        SYSTEMS.map((system) => [system, look(system, (book) => book.requests()) ?? []]),
      ),
    [Symbol.asyncDispose]: async () => {
      delete process.env['LEDGER_ANSWER_MS']
      await copy[Symbol.asyncDispose]()
    },
  }
}

/** The tools that were called, in order, as the ledger of the gateway has them. */
const calledIn = (log: readonly Line[]): readonly string[] =>
  log
    .filter(({ kind }) => kind === 'call.opened')
    .map(({ body }) => `${String(body?.server)} ${String(body?.name)}`)

test('an order in three systems is one run, taken back the last step first, even when that is cut off', async () => {
  await using scene = await openScene()
  {
    await using gateway = await scene.start()
    const placed = await placeOrder(gateway.url, ORDER, 'run-1')
    assert.deepEqual(placed, { reservation: 1, charge: 1, shipment: 1 })
    // When the last system says no, what the others did can be taken back.
    const nowhere = { ...ORDER, order: 'order-2', address: ' ' }
    await assert.rejects(placeOrder(gateway.url, nowhere, 'run-2'), /no address/)
    await scene.cli('tasks', 'undo', 'run-2')
  }
  const second = ['hold 1', 'hold 2', 'end 2']
  assert.deepEqual(scene.requests(), { stock: second, ledger: second, shipping: ['hold 1'] })
  {
    await using gateway = await scene.start(600_000)
    const undoing = scene.cli('tasks', 'undo', 'run-1').catch(() => undefined)
    await until('the money is given back', () => scene.requests()['ledger']?.length === 4)
    await gateway.kill()
    await undoing
  }
  const both = [...second, 'end 1']
  const shipping = ['hold 1', 'end 1']
  assert.deepEqual(scene.requests(), { shipping, ledger: both, stock: second })
  // It goes on by itself, and nothing is taken back twice.
  await using _gateway = await scene.start()
  await until('the items are back', () => scene.requests()['stock']?.length === 4)
  assert.deepEqual(scene.requests(), { shipping, ledger: both, stock: both })
  assert.ok(scene.held().every(({ isOver }) => isOver))
})

test('a charge that is cut off is unknown, never sent again, settled, and taken back with its run', async () => {
  await using scene = await openScene()
  {
    await using gateway = await scene.start(600_000)
    const placing = assert.rejects(placeOrder(gateway.url, ORDER, 'run-1'))
    await until('the money is taken', () => scene.requests()['ledger']?.length === 1)
    await gateway.kill()
    await placing
  }
  await using gateway = await scene.start()
  const tasks = await scene.cli('tasks')
  assert.deepEqual(
    tasks.map(({ run: of, server, tool, state }) => [of, server, tool, state]),
    [
      ['run-1', 'ledger', 'charge', 'unknown'],
      ['run-1', 'stock', 'reserve', 'completed'],
    ],
  )
  const once = { stock: ['hold 1'], ledger: ['hold 1'], shipping: [] }
  assert.deepEqual(scene.requests(), once)
  // Whoever settles looks first.
  const find = { name: 'ledger_find_charge', arguments: { order: 'order-1' } }
  const found = await gateway.client.callTool(find)
  assert.deepEqual(found.structuredContent, { charges: [{ charge: 1, isRefunded: false }] })
  await scene.cli('tasks', 'settle', String(tasks[0]?.id), 'happened')
  assert.deepEqual(scene.requests(), once)
  await scene.cli('tasks', 'undo', 'run-1')
  const back = { stock: ['hold 1', 'end 1'], ledger: ['hold 1', 'end 1'], shipping: [] }
  assert.deepEqual(scene.requests(), back)
  const log = await scene.cli('log', '--last', '1000')
  assert.deepEqual(calledIn(log), [
    'stock reserve',
    'ledger charge',
    'ledger find_charge',
    'ledger refund',
    'stock release',
  ])
  const kinds = log.map(({ kind }) => kind)
  assert.ok(kinds.includes('task.settled') && kinds.includes('run.undoing'))
  // A second undo finds everything taken back.
  await scene.cli('tasks', 'undo', 'run-1')
  assert.deepEqual(scene.requests(), back)
})
