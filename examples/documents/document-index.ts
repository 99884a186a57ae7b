/** What was read, and where it stands: SQLite with full-text search in one file. */
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import type { Passage } from './split.ts'

/** One document, ready to be found. */
export interface Indexed {
  /** From the root folder, with forward slashes: its name in the index. */
  readonly path: string
  readonly title: string
  readonly passages: readonly Passage[]
}

/** A passage that was found, the best first. */
export interface Found {
  readonly path: string
  readonly title: string
  readonly heading: string
  /** The words around the match, which stands between `**`. */
  readonly text: string
}

/** Rowids of passages are the document's id and their place in it, so no passage is there twice. */
const PASSAGES_MAX = 100_000

/** How long somebody else may be at the file, such as a person with `sqlite3`. */
const LOCKED_MS = 5_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, title TEXT NOT NULL) STRICT;
  CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5(
    heading, text, tokenize = 'porter unicode61');`

const SEARCH = `
  SELECT path, title, heading, snippet(passages, 1, '**', '**', ' … ', 24) AS text
  FROM passages JOIN documents ON documents.id = passages.rowid / ${String(PASSAGES_MAX)}
  WHERE passages MATCH ? ORDER BY bm25(passages, 2.0, 1.0), passages.rowid LIMIT ?`

export class DocumentIndex implements Disposable {
  readonly #db: DatabaseSync

  constructor(file: string) {
    this.#db = new DatabaseSync(file, { timeout: LOCKED_MS })
    this.#db.exec(`PRAGMA journal_mode = WAL; ${SCHEMA}`)
  }

  /** Puts a document in, in place of what was there under its path: doing it twice changes nothing. */
  put({ path, title, passages }: Indexed): void {
    this.#atOnce(() => {
      this.#take(path)
      const { lastInsertRowid } = this.#db
        .prepare('INSERT INTO documents (path, title) VALUES (?, ?)')
        .run(path, title)
      const insert = this.#db.prepare(
        'INSERT INTO passages (rowid, heading, text) VALUES (?, ?, ?)',
      )
      const first = Number(lastInsertRowid) * PASSAGES_MAX
      for (const [at, { heading, text }] of passages.entries())
        insert.run(first + at, heading, text)
    })
  }

  /** Takes a document out, if it is there. */
  remove(path: string): void {
    this.#atOnce(() => this.#take(path))
  }

  /** Passages with all these words, in any of their forms. */
  search(words: string, limit: number): readonly Found[] {
    const terms = words.match(/[\p{L}\p{N}]+/gu) ?? []
    if (terms.length === 0) return []
    // Quoted, so that nobody's AND or NEAR is taken for a command of FTS5.
    const query = terms.map((term) => `"${term}"`).join(' ')
    return this.#db.prepare(SEARCH).all(query, limit).map(toFound)
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }

  #take(path: string): void {
    const row = this.#db.prepare('DELETE FROM documents WHERE path = ? RETURNING id').get(path)
    if (!row) return
    const first = Number(row['id']) * PASSAGES_MAX
    this.#db
      .prepare('DELETE FROM passages WHERE rowid >= ? AND rowid < ?')
      .run(first, first + PASSAGES_MAX)
  }

  #atOnce(change: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      change()
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }
}

function toFound(row: Readonly<Record<string, SQLOutputValue>>): Found {
  return {
    path: String(row['path']),
    title: String(row['title']),
    heading: String(row['heading']),
    text: String(row['text']),
  }
}
