/** The stock room: `node stock.ts <folder>`. */
import { resolve } from 'node:path'
import { serve, tool } from '@countersign/sdk'
import { z } from 'zod'
import { bookIn } from './book.ts'

const ON_SHELF = 100
const book = bookIn(resolve(process.argv[2] ?? '.countersign'), 'stock')

const reserve = tool({
  name: 'reserve',
  description: 'Puts items aside for an order.',
  input: z.object({ order: z.string(), item: z.string(), count: z.int().positive() }),
  output: z.object({ reservation: z.int() }),
  effect: 'write',
  run: ({ order, item, count }) => {
    const left = ON_SHELF - book.held(item)
    if (count > left) throw new Error(`There are only ${String(left)} of ${item}.`)
    return { reservation: book.hold(order, item, count) }
  },
})

const release = tool({
  name: 'release',
  description: 'Puts reserved items back.',
  input: z.object({ reservation: z.int() }),
  output: z.object({ isReleased: z.boolean() }),
  effect: 'idempotent',
  run: ({ reservation }) => ({ isReleased: book.end(reservation) }),
})

await serve([reserve, release], { name: 'stock', version: '1.0.0' })
