/** A CSV file of made-up orders, the same for the same number of rows: as large and as untidy as you like. */
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'

const COUNTRIES = ['DE', 'FR', 'GB', 'US', 'NL', 'SE', 'PL', 'JP', 'BR', 'KE']
const CURRENCIES = ['EUR', 'USD', 'GBP']
const CUSTOMERS = ['Ada Lovelace', '"Hopper, Grace"', '"O\'Neil ""Kit"""', 'Ōe Kenzaburō', 'Zoë']
const NOTES = ['', '', '', 'gift', '"first line\nsecond line"', '"leave with ""Mr. B."", please"']
/** What is wrong with one row in `FLAWED_EVERY`: each in its turn. */
const FLAWS: readonly ((row: string[]) => unknown)[] = [
  (row) => (row[4] = 'n/a'),
  (row) => (row[5] = '-1.00'),
  (row) => (row[1] = 'yesterday'),
  (row) => (row[6] = 'XXX'),
]
export const FLAWED_EVERY = 997

const HEADER = 'order_id,ordered_at,customer,country,quantity,unit_price,currency,note\n'
const START_MS = Date.UTC(2025, 0, 1)
const STEP_MS = 250_000
const ROWS_PER_WRITE = 1_000

/** The text of the file, a thousand rows at a time. */
export function* orders(rows: number): Generator<string> {
  yield HEADER
  const chance = seeded(rows)
  for (let first = 1; first <= rows; first += ROWS_PER_WRITE) {
    let text = ''
    const last = Math.min(rows, first + ROWS_PER_WRITE - 1)
    for (let id = first; id <= last; id++) text += rowOf(id, chance)
    yield text
  }
}

/** Writes such a file. */
export async function makeOrders(path: string, rows: number): Promise<void> {
  await pipeline(Readable.from(orders(rows)), createWriteStream(path))
}

function rowOf(id: number, chance: () => number): string {
  const pick = (list: readonly string[]): string => list[Math.floor(chance() * list.length)] ?? ''
  const country = pick(COUNTRIES)
  const row = [
    String(id),
    new Date(START_MS + id * STEP_MS).toISOString(),
    pick(CUSTOMERS),
    chance() < 0.1 ? ` ${country.toLowerCase()}` : country,
    String(1 + Math.floor(chance() * 9)),
    (chance() * 200).toFixed(2),
    pick(CURRENCIES),
    pick(NOTES),
  ]
  if (id % FLAWED_EVERY === 0) FLAWS[(id / FLAWED_EVERY) % FLAWS.length]?.(row)
  return `${row.join(',')}\n`
}

/** Numbers from 0 up to 1 that look random (mulberry32, public domain). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { rows: { type: 'string', default: '120000' } },
    allowPositionals: true,
  })
  const [path = join(import.meta.dirname, '.countersign/files/orders.csv')] = positionals
  await mkdir(dirname(path), { recursive: true })
  await makeOrders(path, Number(values.rows))
  process.stdout.write(`${path}\n`)
}
