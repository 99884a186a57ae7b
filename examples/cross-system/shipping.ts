/** The carrier: `node shipping.ts <folder>`. */
import { resolve } from 'node:path'
import { serve, tool } from '@countersign/sdk'
import { z } from 'zod'
import { bookIn } from './book.ts'

const book = bookIn(resolve(process.argv[2] ?? '.countersign'), 'shipping')

const bookShipment = tool({
  name: 'book',
  description: 'Books a shipment for an order.',
  input: z.object({
    order: z.string(),
    address: z.string(),
    reservation: z.int(),
    charge: z.int(),
  }),
  output: z.object({ shipment: z.int() }),
  effect: 'write',
  run: ({ order, address }) => {
    if (address.trim() === '') throw new Error('There is no address to ship to.')
    return { shipment: book.hold(order, address, 1) }
  },
})

const cancel = tool({
  name: 'cancel',
  description: 'Cancels a shipment that has not left.',
  input: z.object({ shipment: z.int() }),
  output: z.object({ isCancelled: z.boolean() }),
  effect: 'idempotent',
  run: ({ shipment }) => ({ isCancelled: book.end(shipment) }),
})

await serve([bookShipment, cancel], { name: 'shipping', version: '1.0.0' })
