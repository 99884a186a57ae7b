/** The customers' accounts: `node ledger.ts <folder>`. Every system has one that is slow. */
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { serve, tool } from '@countersign/sdk'
import { z } from 'zod'
import { bookIn } from './book.ts'

const book = bookIn(resolve(process.argv[2] ?? '.countersign'), 'ledger')
/** Between the money changing hands and the answer that says so. */
const answerMs = Number(process.env['LEDGER_ANSWER_MS'] ?? 0)

const charge = tool({
  name: 'charge',
  description: 'Takes the money for an order.',
  input: z.object({ order: z.string(), cents: z.int().positive() }),
  output: z.object({ charge: z.int() }),
  effect: 'write',
  run: async ({ order, cents }, { signal }) => {
    const id = book.hold(order, 'money', cents)
    await pause(answerMs, undefined, { signal })
    return { charge: id }
  },
})

const findCharge = tool({
  name: 'find_charge',
  description: 'Says what was charged for an order.',
  input: z.object({ order: z.string() }),
  output: z.object({ charges: z.array(z.object({ charge: z.int(), isRefunded: z.boolean() })) }),
  effect: 'read',
  run: ({ order }) => ({
    charges: book.of(order).map(({ id, isOver }) => ({ charge: id, isRefunded: isOver })),
  }),
})

/** By the order and not by the charge: the answer with the charge's number may have been lost. */
const refund = tool({
  name: 'refund',
  description: 'Gives the money for an order back.',
  input: z.object({ order: z.string() }),
  output: z.object({ refunded: z.int() }),
  effect: 'idempotent',
  run: async ({ order }, { signal }) => {
    const open = book.of(order).filter(({ isOver }) => !isOver)
    for (const { id } of open) book.end(id)
    await pause(answerMs, undefined, { signal })
    return { refunded: open.reduce((sum, { amount }) => sum + amount, 0) }
  },
})

await serve([charge, findCharge, refund], { name: 'ledger', version: '1.0.0' })
