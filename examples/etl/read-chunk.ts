/** A part of a CSV file, read from where the part before it ended. */
import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse'
import { z } from 'zod'
import { COLUMNS, Order } from './order.ts'

/** Where a chunk is. */
export interface Place {
  /** Of its first byte, from the beginning of the file. */
  readonly offset: number
  /** Of its first row; the first below the header is 1. */
  readonly row: number
}

/** A row that is no order. */
interface Reject {
  readonly row: number
  readonly reason: string
}

export interface Chunk {
  readonly orders: readonly Order[]
  readonly rejects: readonly Reject[]
  /** Null at the end of the file. */
  readonly next: Place | null
}

const Read = z.object({
  record: z.record(z.string(), z.string()),
  info: z.object({ bytes: z.int() }),
})
const Head = z.object({ record: z.array(z.string()), info: z.object({ bytes: z.int() }) })

/** The names of the columns, and where the first row is. @throws Error when one is missing. */
export async function readHeader(
  path: string,
): Promise<{ readonly columns: readonly string[]; readonly first: Place }> {
  for await (const read of parsed(path, 0, { bom: true, to: 1 })) {
    const { record, info } = Head.parse(read)
    const missing = COLUMNS.filter((name) => !record.includes(name))
    if (missing.length > 0) throw new Error(`There is no column ${missing.join(', ')}.`)
    return { columns: record, first: { offset: info.bytes, row: 1 } }
  }
  throw new Error('The file is empty.')
}

/** At most `rows` rows from `place` on. */
export async function readChunk(
  path: string,
  place: Place,
  { columns, rows }: { readonly columns: readonly string[]; readonly rows: number },
): Promise<Chunk> {
  const orders: Order[] = []
  const rejects: Reject[] = []
  let { row, offset } = place
  for await (const read of parsed(path, place.offset, { columns: [...columns], to: rows })) {
    const { record, info } = Read.parse(read)
    const order = Order.safeParse(record)
    if (order.success) orders.push(order.data)
    else rejects.push({ row, reason: wordsOf(order.error) })
    row++
    offset = place.offset + info.bytes
  }
  return { orders, rejects, next: row - place.row < rows ? null : { row, offset } }
}

interface ParseOptions {
  readonly bom?: boolean
  readonly columns?: string[]
  readonly to: number
}

/** What is kept of a file's habits: the first chunk cannot tell the others which line ends it saw. */
const LENIENT = {
  info: true,
  record_delimiter: ['\n', '\r\n'],
  skip_empty_lines: true,
  relax_column_count: true,
}

/** Rows as a stream: the file is never in memory, and reading ends with the last row wanted. */
function parsed(path: string, start: number, options: ParseOptions): AsyncIterable<unknown> {
  const parser = parse({ ...options, ...LENIENT })
  const file = createReadStream(path, { start })
  file.once('error', (error) => parser.destroy(error))
  parser.once('close', () => file.destroy())
  return file.pipe(parser)
}

const wordsOf = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
