/** Where each system keeps what it knows: one SQLite file, and every request that came, for ever. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const TABLES = `
  CREATE TABLE IF NOT EXISTS holds (id INTEGER PRIMARY KEY, customer_order TEXT NOT NULL,
    what TEXT NOT NULL, amount INTEGER NOT NULL, is_over INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE TABLE IF NOT EXISTS requests (id INTEGER PRIMARY KEY, what TEXT NOT NULL,
    hold INTEGER NOT NULL) STRICT;
`

/** Others may look into it, too. */
const BUSY_MS = 5_000

/** Something one system holds for an order: items, money, room in a van. */
export interface Hold {
  readonly id: number
  readonly order: string
  readonly what: string
  readonly amount: number
  readonly isOver: boolean
}

export class Book {
  readonly #db: DatabaseSync

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.#db = new DatabaseSync(path, { timeout: BUSY_MS })
    this.#db.exec(TABLES)
  }

  /** Adds once more each time it is asked to: nothing here knows a repetition from a second order. */
  hold(order: string, what: string, amount: number): number {
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO holds (customer_order, what, amount) VALUES (?, ?, ?)')
      .run(order, what, amount)
    const id = Number(lastInsertRowid)
    this.#note('hold', id)
    return id
  }

  /** Ends a hold; one that is over stays so. Returns whether it was there. */
  end(id: number): boolean {
    this.#note('end', id)
    return this.#db.prepare('UPDATE holds SET is_over = 1 WHERE id = ?').run(id).changes > 0
  }

  of(order: string): readonly Hold[] {
    const rows = this.#db
      .prepare('SELECT id, what, amount, is_over FROM holds WHERE customer_order = ? ORDER BY id')
      .all(order)
    return rows.map(({ id, what, amount, is_over: isOver }) => ({
      id: Number(id),
      order,
      what: String(what),
      amount: Number(amount),
      isOver: isOver === 1,
    }))
  }

  /** What is held of something by orders that were not taken back. */
  held(what: string): number {
    const sum = 'SELECT coalesce(sum(amount), 0) AS held FROM holds WHERE what = ? AND is_over = 0'
    return Number(this.#db.prepare(sum).get(what)?.['held'])
  }

  /** Every request that came, in order, such as `hold 1`. */
  requests(): readonly string[] {
    const rows = this.#db.prepare('SELECT what, hold FROM requests ORDER BY id').all()
    return rows.map(({ what, hold }) => `${String(what)} ${String(hold)}`)
  }

  close(): void {
    this.#db.close()
  }

  #note(what: 'hold' | 'end', id: number): void {
    this.#db.prepare('INSERT INTO requests (what, hold) VALUES (?, ?)').run(what, id)
  }
}

/** The book of one system. `folder` comes from the command line of its server. */
export const bookIn = (folder: string, system: string): Book =>
  new Book(join(folder, `${system}.db`))
