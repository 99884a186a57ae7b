/** Orders in Parquet files: one column for each field, compressed by Snappy. */
import { renameSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { asyncBufferFromFile, parquetReadObjects, type SchemaElement } from 'hyparquet'
import {
  ByteWriter,
  ParquetWriter,
  schemaFromColumnData,
  type ColumnSource,
} from 'hyparquet-writer'
import { z } from 'zod'
import type { Order } from './order.ts'

/** An order as it stands in a file. */
const Stored = z.object({
  order_id: z.int(),
  ordered_at: z.date(),
  customer: z.string(),
  country: z.string(),
  quantity: z.int(),
  total_cents: z.bigint().transform(Number),
  note: z
    .string()
    .nullish()
    .transform((note) => note ?? undefined),
})

type Column = Pick<ColumnSource, 'name' | 'type' | 'nullable'> & {
  readonly of: (order: Order) => unknown
}
const COLUMNS: readonly Column[] = [
  { name: 'order_id', type: 'INT32', nullable: false, of: (order) => order.order_id },
  { name: 'ordered_at', type: 'TIMESTAMP', nullable: false, of: (order) => order.ordered_at },
  { name: 'customer', type: 'STRING', nullable: false, of: (order) => order.customer },
  { name: 'country', type: 'STRING', nullable: false, of: (order) => order.country },
  { name: 'quantity', type: 'INT32', nullable: false, of: (order) => order.quantity },
  // A large order costs more cents than 32 bits can say.
  { name: 'total_cents', type: 'INT64', nullable: false, of: (order) => BigInt(order.total_cents) },
  { name: 'note', type: 'STRING', nullable: true, of: (order) => order.note },
]

const columnsOf = (orders: readonly Order[]): ColumnSource[] =>
  COLUMNS.map(({ of, ...column }) => ({ ...column, data: orders.map(of) }))

/** Said once, not guessed from the rows of one chunk: all parts of a file agree on it. */
const SCHEMA: SchemaElement[] = schemaFromColumnData({ columnData: columnsOf([]) })

/**
 * Writes chunks of orders, each a row group. The file is there when it is whole and on the disk, and
 * not before; writing it again puts the same bytes in its place.
 */
export async function writeOrders(
  path: string,
  chunks: Iterable<readonly Order[]> | AsyncIterable<readonly Order[]>,
  signal: AbortSignal,
): Promise<void> {
  const unfinished = unfinishedOf(path)
  const file = await open(unfinished, 'w')
  try {
    const writer = new ByteWriter()
    const parquet = new ParquetWriter({ writer, schema: SCHEMA })
    for await (const orders of chunks) {
      signal.throwIfAborted()
      if (orders.length === 0) continue
      await parquet.write({ columnData: columnsOf(orders), rowGroupSize: orders.length })
      // What is encoded goes to the disk; the writer goes on counting from there.
      await file.write(new Uint8Array(writer.buffer, 0, writer.index))
      writer.index = 0
    }
    await parquet.finish()
    await file.write(new Uint8Array(writer.buffer, 0, writer.index))
    await file.sync()
    await file.close()
    // In one go: what was cancelled meanwhile does not appear after the cleaning up.
    signal.throwIfAborted()
    renameSync(unfinished, path)
  } catch (error) {
    await file.close()
    await rm(unfinished, { force: true })
    throw error
  }
}

/** Where a file is while it is being written. */
export const unfinishedOf = (path: string): string => `${path}.unfinished`

/** All orders of a file. */
export async function readOrders(path: string): Promise<readonly Order[]> {
  const file = await asyncBufferFromFile(path)
  return z.array(Stored).parse(await parquetReadObjects({ file }))
}
