/** A hundred and twenty thousand rows, loaded by a server that is killed in the middle. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { crashEverywhere, runTool } from '@countersign/sdk/testing'
import { startLife } from '../../test/e2e/killable.ts'
import { startGateway, until } from '../../test/e2e/task-life.ts'
import { loadOrders } from './load-orders.ts'
import { FLAWED_EVERY, makeOrders, orders } from './make-orders.ts'
import { readOrders } from './order-file.ts'

const SERVER = join(import.meta.dirname, 'server.ts')
const ROWS = 120_000
const CHUNKS = 24
/** The SHA-256 of the file that a load writes which nobody disturbs. Another Parquet writer has another. */
const UNDISTURBED = '3f44d1b7b6e54c034d3be1346dee2c4298d94d28c2fa9a5046edf583a38b3418'
const FILES = { csv: 'orders.csv', parquet: 'orders.parquet' }

interface Place extends AsyncDisposable {
  readonly folder: string
  readonly scratch: string
  /** How to start a server here. */
  readonly args: readonly string[]
  /** The tool, without a server. */
  readonly tool: ReturnType<typeof loadOrders>
}

async function openPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'etl-'))
  const data = join(folder, 'data')
  const scratch = join(data, 'parts')
  mkdirSync(scratch, { recursive: true })
  return {
    folder,
    scratch,
    args: [SERVER, '--folder', folder, '--data', data],
    tool: loadOrders({ folder, scratch, log: () => undefined }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, maxRetries: 3 }),
  }
}

const sha256Of = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex')

/** Every id from 1 on, but for those of the rows that were made to be rejected. */
const idsUpTo = (rows: number): readonly number[] =>
  Array.from({ length: rows }, (_, at) => at + 1).filter((id) => id % FLAWED_EVERY !== 0)

interface Loaded {
  readonly rows: number
  readonly rejected: number
  readonly rejects: readonly { readonly row: number }[]
  readonly sha256: string
}

test('a load that is killed twice writes every order once, and loads no chunk again', async () => {
  await using place = await openPlace()
  const { folder, args, scratch } = place
  await makeOrders(join(folder, FILES.csv), ROWS)
  const said: (readonly string[])[] = []
  let task: string | undefined
  for (const moment of [/^chunk 9:/, /^join/]) {
    const life = await startLife(args, 'legacy')
    task ??= await life.begin('load_orders', FILES)
    await life.until(moment)
    await life.kill()
    said.push(life.said)
  }
  await using last = await startLife(args, 'modern')
  const output = (await last.finish(task ?? '')) as Loaded
  said.push(last.said)

  assert.equal(output.rows, ROWS - Math.floor(ROWS / FLAWED_EVERY))
  assert.equal(output.rejected, Math.floor(ROWS / FLAWED_EVERY))
  assert.deepEqual(
    output.rejects.slice(0, 2).map(({ row }) => row),
    [FLAWED_EVERY, 2 * FLAWED_EVERY],
  )
  const loaded = await readOrders(join(folder, FILES.parquet))
  assert.deepEqual(
    loaded.map(({ order_id: id }) => id),
    idsUpTo(ROWS),
  )
  assert.equal(output.sha256, UNDISTURBED)
  assert.equal(sha256Of(join(folder, FILES.parquet)), UNDISTURBED)
  assert.deepEqual(readdirSync(scratch), [])

  const chunks = said.flat().filter((line) => line.startsWith('chunk'))
  assert.equal(new Set(chunks).size, CHUNKS)
  // Only the chunk in hand when the first process died is begun once more; the second was joining.
  assert.ok(chunks.length <= CHUNKS + 1, chunks.join('\n'))

  const summary = (await last.call('summarise_orders', { parquet: FILES.parquet })) as {
    readonly orders: number
    readonly cents: number
    readonly countries: Readonly<Record<string, { readonly cents: number }>>
  }
  assert.equal(summary.orders, output.rows)
  assert.equal(
    summary.cents,
    loaded.reduce((sum, { total_cents: cents }) => sum + cents, 0),
  )
  assert.equal(Object.keys(summary.countries).length, 10)
})

test('a cancelled load leaves nothing behind, even when the server dies while it cleans up', async () => {
  await using place = await openPlace()
  const { folder, args, scratch } = place
  await makeOrders(join(folder, FILES.csv), ROWS)
  const first = await startLife(args)
  const task = await first.begin('load_orders', FILES)
  await first.until(/^chunk 4:/)
  await first.cancel(task)
  await first.kill()
  await using second = await startLife(args)
  await until('the parts are gone', () => readdirSync(scratch).length === 0)
  assert.deepEqual(readdirSync(folder).toSorted(), ['data', FILES.csv])
  await assert.rejects(second.finish(task), /cancelled/)
})

test('behind the gateway, killed together with it, the same file is written', async () => {
  await using place = await openPlace()
  const { folder, scratch, args } = place
  await makeOrders(join(folder, FILES.csv), ROWS)
  const config = join(folder, 'countersign.yaml')
  const servers = { orders: { command: process.execPath, args } }
  writeFileSync(config, JSON.stringify({ servers }))
  const first = await startGateway(config)
  const task = await first.begin('orders_load_orders', FILES)
  const parts = (): number =>
    readdirSync(scratch).flatMap((folderName) => readdirSync(join(scratch, folderName))).length
  await until('some chunks are loaded', () => parts() > 5)
  await first.kill()
  await using second = await startGateway(config)
  const { structuredContent } = await second.result(task)
  assert.equal(structuredContent?.['sha256'], UNDISTURBED)
  assert.equal(sha256Of(join(folder, FILES.parquet)), UNDISTURBED)
  assert.equal(parts(), 0)
})

test('no crash at any step changes the file', async () => {
  await using place = await openPlace()
  await makeOrders(join(place.folder, FILES.csv), 6_000)
  assert.ok((await crashEverywhere(place.tool, FILES)) >= 5)
  assert.ok((await crashEverywhere(place.tool, FILES, { when: 'before' })) >= 5)
})

test('a file with other line ends, a byte order mark and torn rows gives the same orders', async () => {
  await using place = await openPlace()
  const text = [...orders(2_000)].join('')
  writeFileSync(join(place.folder, 'plain.csv'), text)
  const windows = text.replaceAll(/\n(?=\d+,2)/g, '\r\n')
  writeFileSync(join(place.folder, FILES.csv), `\uFEFF${windows}\r\n7,torn\r\n\r\n`)
  const plain = await runTool(place.tool, { csv: 'plain.csv', parquet: 'plain.parquet' })
  const odd = await runTool(place.tool, FILES)
  const [one, other] = [plain.output, odd.output] as readonly Loaded[]
  assert.equal(other?.sha256, one?.sha256)
  assert.equal(other?.rejected, (one?.rejected ?? 0) + 1)
})

test('a file that is no list of orders, changes, or is elsewhere, is refused', async () => {
  await using place = await openPlace()
  const { folder, scratch } = place
  writeFileSync(join(folder, FILES.csv), 'order_id,note\n1,hello\n')
  await assert.rejects(runTool(place.tool, FILES), /no column ordered_at, customer/)
  await assert.rejects(runTool(place.tool, { ...FILES, parquet: '../x' }), /not a file below/)
  await makeOrders(join(folder, FILES.csv), 6_000)
  const log = (line: string): void => {
    if (line.startsWith('chunk 2')) appendFileSync(join(folder, FILES.csv), '\n')
  }
  await assert.rejects(runTool(loadOrders({ folder, scratch, log }), FILES), /was changed/)
  assert.deepEqual(readdirSync(scratch), [])
})
