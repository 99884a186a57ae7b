import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { openSqliteStore } from '../../src/index.ts'
import { storeSuite } from './suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-store-'))
let count = 0
after(() => {
  rmSync(folder, { recursive: true, force: true })
})

storeSuite('SQLite in memory', () => Promise.resolve(openSqliteStore(':memory:')))
storeSuite('SQLite in a file', () =>
  Promise.resolve(openSqliteStore(join(folder, `${String(count++)}.db`))),
)
