/** An order: from the texts of a CSV row to typed values, or the reasons why it is none. */
import { z } from 'zod'

/** What one unit of a currency is worth in euros. Fixed, so that a load can be repeated. */
const EUROS = { EUR: 1, USD: 0.92, GBP: 1.17 }

const Row = z.object({
  order_id: z.coerce.number().pipe(z.int().positive()),
  ordered_at: z.iso.datetime().transform((text) => new Date(text)),
  customer: z.string().trim().min(1),
  country: z
    .string()
    .trim()
    .toUpperCase()
    .regex(/^[A-Z]{2}$/),
  quantity: z.coerce.number().pipe(z.int().min(1).max(10_000)),
  unit_price: z
    .string()
    .regex(/^\d{1,7}\.\d{2}$/, 'a price has two decimals and no sign')
    .transform((text) => Number(text.replace('.', ''))),
  currency: z.enum(['EUR', 'USD', 'GBP']),
  note: z.string().transform((text) => (text === '' ? undefined : text)),
})

/** As it is kept: what it cost is in cents, so that sums are exact. */
export const Order = Row.transform(({ unit_price: cents, currency, quantity, ...rest }) => ({
  ...rest,
  quantity,
  total_cents: Math.round(cents * quantity * EUROS[currency]),
}))
export type Order = z.output<typeof Order>

/** The columns a file must have, in any order. */
export const COLUMNS: readonly string[] = Object.keys(Row.shape)
