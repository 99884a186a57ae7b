import { tool, type Tool } from '@countersign/sdk'
import { z } from 'zod'
import { readOrders } from './order-file.ts'
import { within } from './within.ts'

const Sum = z.object({ orders: z.int(), cents: z.int().describe('Euro cents.') })

/** The tool that sums up a Parquet file of orders below `folder`. */
export const summariseOrders = (folder: string): Tool =>
  tool({
    name: 'summarise_orders',
    title: 'Summarise orders',
    description: 'Counts the orders of a Parquet file and sums what they cost, by country.',
    input: z.object({ parquet: z.string() }),
    output: z.object({
      ...Sum.shape,
      from: z.iso.datetime().nullable().describe('Of the first order.'),
      to: z.iso.datetime().nullable().describe('Of the last order.'),
      countries: z.record(z.string(), Sum),
    }),
    effect: 'read',
    scopes: ['orders:read'],
    async run({ parquet }) {
      const orders = await readOrders(within(folder, parquet))
      const countries: Record<string, z.output<typeof Sum>> = {}
      const total = { orders: 0, cents: 0 }
      for (const { country, total_cents: cents } of orders) {
        for (const sum of [total, (countries[country] ??= { orders: 0, cents: 0 })]) {
          sum.orders++
          sum.cents += cents
        }
      }
      const times = orders.map(({ ordered_at: at }) => at.toISOString()).toSorted()
      return { ...total, from: times[0] ?? null, to: times.at(-1) ?? null, countries }
    },
  })
