import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { durableTool, type DurableTool } from '@countersign/sdk'
import { z } from 'zod'
import { readOrders, unfinishedOf, writeOrders } from './order-file.ts'
import type { Order } from './order.ts'
import { readChunk, readHeader, type Chunk, type Place } from './read-chunk.ts'
import { within } from './within.ts'

const CHUNK_ROWS = 5_000
/** Enough to see what is wrong with a file; all of them are counted. */
const REJECTS_SHOWN = 20

const Input = z.object({
  csv: z.string().describe('The file to read, below the folder that is served.'),
  parquet: z.string().describe('The file to write, below the same folder.'),
})
const Output = z.object({
  rows: z.int().describe('Orders that were written.'),
  rejected: z.int().describe('Rows that are no order.'),
  rejects: z.array(z.object({ row: z.int(), reason: z.string() })).describe('The first of them.'),
  sha256: z.string().describe('Of the Parquet file.'),
})

/** What the whole load needs to know of its source, recorded once. */
interface Source {
  readonly columns: readonly string[]
  readonly first: Place
  readonly bytes: number
  readonly changedMs: number
}

/** Where a load reads, where it writes, and where its parts are until they are one file. */
interface Paths extends Pick<Desk, 'log'> {
  readonly csv: string
  readonly parquet: string
  readonly parts: string
}

/** What the tool works with. */
export interface Desk {
  /** The folder that is served. */
  readonly folder: string
  /** Where the parts of files are that are not whole yet. */
  readonly scratch: string
  /** Hears of each chunk that is taken in hand. */
  readonly log: (line: string) => void
}

/** The tool that loads CSV files of orders. */
export function loadOrders({ folder, scratch, log }: Desk): DurableTool {
  return durableTool({
    name: 'load_orders',
    title: 'Load orders',
    description:
      'Reads a CSV file of orders, checks and types every row, and writes them into a Parquet file. Cancelling leaves nothing behind.',
    input: Input,
    output: Output,
    effect: 'idempotent',
    scopes: ['orders:write'],
    undoOnFailure: true,
    async run({ csv, parquet }, task) {
      const parts = join(scratch, task.id)
      const [from, to] = [within(folder, csv), within(folder, parquet)]
      const paths: Paths = { csv: from, parquet: to, parts, log }
      const source = await task.step('look', () => look(paths), {
        undo: () => forget(parts, unfinishedOf(to)),
      })
      const rejects: { row: number; reason: string }[] = []
      let [rows, rejected, chunks] = [0, 0, 0]
      for (let place: Place | null = source.first; place !== null;) {
        task.progress(place.offset, source.bytes, `row ${String(place.row)}`)
        const work = { number: ++chunks, place }
        const chunk: Loaded = await task.step(nameOf(work), ({ signal }) =>
          load({ paths, source, work, signal }),
        )
        place = chunk.next
        rows += chunk.rows
        rejected += chunk.rejected
        rejects.push(...chunk.rejects)
      }
      const sha256 = await task.step('join', ({ signal }) => joinParts(paths, chunks, signal), {
        undo: () => forget(to),
      })
      await task.step('tidy', () => forget(parts))
      task.progress(source.bytes, source.bytes, `${String(rows)} orders`)
      return { rows, rejected, rejects: rejects.slice(0, REJECTS_SHOWN), sha256 }
    },
  })
}

interface Work {
  readonly number: number
  readonly place: Place
}

interface Loading {
  readonly paths: Paths
  readonly source: Source
  readonly work: Work
  readonly signal: AbortSignal
}

/** What is recorded of a chunk. Its orders are in its part. */
interface Loaded extends Pick<Chunk, 'next' | 'rejects'> {
  readonly rows: number
  readonly rejected: number
}

const nameOf = ({ number }: Work): string => `chunk ${String(number)}`
const partOf = ({ parts }: Paths, number: number): string =>
  join(parts, `${String(number).padStart(5, '0')}.parquet`)

async function look({ csv, parts }: Paths): Promise<Source> {
  const { size, mtimeMs } = await stat(csv)
  const header = await readHeader(csv)
  await mkdir(parts, { recursive: true })
  return { ...header, bytes: size, changedMs: mtimeMs }
}

/** From a place in the file to a part on the disk. Doing it again writes the same part. */
async function load({ paths, source, work, signal }: Loading): Promise<Loaded> {
  const { number, place } = work
  paths.log(`chunk ${String(number)}: from row ${String(place.row)}`)
  const { size, mtimeMs } = await stat(paths.csv)
  if (size !== source.bytes || mtimeMs !== source.changedMs) {
    throw new Error('The file was changed while it was being loaded. Load it again.')
  }
  const { columns } = source
  const { orders, rejects, next } = await readChunk(paths.csv, place, { columns, rows: CHUNK_ROWS })
  await writeOrders(partOf(paths, number), [orders], signal)
  const shown = rejects.slice(0, REJECTS_SHOWN)
  const isLast = next === null || next.offset >= source.bytes
  const counted = { rows: orders.length, rejected: rejects.length, rejects: shown }
  return { ...counted, next: isLast ? null : next }
}

async function joinParts(paths: Paths, chunks: number, signal: AbortSignal): Promise<string> {
  paths.log(`join: ${String(chunks)} chunks`)
  await writeOrders(paths.parquet, inOrder(paths, chunks), signal)
  const hash = createHash('sha256')
  await pipeline(createReadStream(paths.parquet), hash)
  return hash.digest('hex')
}

async function* inOrder(paths: Paths, chunks: number): AsyncGenerator<readonly Order[]> {
  for (let number = 1; number <= chunks; number++) yield await readOrders(partOf(paths, number))
}

/** Says null, which can be recorded. */
async function forget(...paths: readonly string[]): Promise<null> {
  for (const path of paths) await rm(path, { recursive: true, force: true })
  return null
}
