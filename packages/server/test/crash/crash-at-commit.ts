// Loaded before a command: the process is gone right before its commit number CRASH_AT, counted from
// when its store is open.

import { DatabaseSync } from 'node:sqlite'

const at = Number(process.env['CRASH_AT'])
let seen = 0
let isOpening = false
// oxlint-disable-next-line typescript/unbound-method -- It is called on what it was taken from.
const { exec } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function crashing(this: DatabaseSync, sql: string): void {
  if (sql.startsWith('CREATE TABLE IF NOT EXISTS migrations')) {
    isOpening = true
    // Every room's tables are brought up to date before anything else has its turn.
    setImmediate(() => {
      isOpening = false
    })
  }
  const isBoundary = !isOpening && (sql === 'COMMIT' || sql === 'VACUUM')
  if (isBoundary && ++seen === at) process.kill(process.pid, 'SIGKILL')
  exec.call(this, sql)
}
