// `kill -9` before each commit of a command: entries and payloads agree, and an erasure that had begun
// is carried to its end by the next start.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { callIdOf, filesWith, makeFolder, openKept } from '../audit/kept-house.ts'
import { PROGRAMS, until } from '../stories/house.ts'

const HOOK = fileURLToPath(new URL('crash-at-commit.ts', import.meta.url))
const CANARY = 'canary-0815-perch'
/** More commits than any of these commands makes. */
const COMMITS_MAX = 60

/** Runs a command that dies before its commit number `at`; true when it came to its end. */
function crashing(folder: string, at: number, ...args: readonly string[]): boolean {
  const config = join(folder, 'countersign.yaml')
  const argv = ['--import', HOOK, PROGRAMS.main, ...args, '--config', config]
  const env = { ...process.env, CRASH_AT: String(at) }
  const { status, signal, stderr } = spawnSync(process.execPath, argv, { env, encoding: 'utf8' })
  assert.ok(signal === 'SIGKILL' || status === 0, stderr)
  return status === 0
}

function rows(folder: string, sql: string): readonly Readonly<Record<string, unknown>>[] {
  const db = new DatabaseSync(join(folder, 'data', 'countersign.db'))
  try {
    return db.prepare(sql).all()
  } finally {
    db.close()
  }
}

describe('a crash', { timeout: 240_000 }, () => {
  it('never parts an entry from what it says is kept', async () => {
    // AU-105
    using folder = makeFolder()
    const written = {
      data: 'data',
      ledger: { reads: 'ahead', payloads: { arguments: 'keep', results: 'keep' } },
      servers: {
        bookings: {
          command: process.execPath,
          args: [PROGRAMS.bookings, join(folder.path, 'effects')],
          era: 'legacy',
        },
      },
    }
    writeFileSync(join(folder.path, 'countersign.yaml'), JSON.stringify(written))
    const book = ['call', 'bookings_cancel_booking', '{"mark":"m"}']
    let last = 0
    for (let at = 1; !crashing(folder.path, at, ...book); at++) {
      assert.ok(at < COMMITS_MAX)
      last = at
    }
    assert.ok(last > 3, `it makes ${String(last)} commits`)
    const said = rows(
      folder.path,
      `SELECT call, iif(kind = 'call.opened', 'arguments', 'result') AS part FROM entries
       WHERE body ->> 'payload' = 'kept' ORDER BY call, part`,
    )
    const kept = rows(folder.path, 'SELECT call, part FROM payloads ORDER BY call, part')
    assert.deepEqual(kept, said)
    assert.ok(said.some(({ part }) => part === 'result'))
  })

  it('does not stop an erasure that has begun', async () => {
    // AU-115
    using template = makeFolder()
    {
      await using house = await openKept({ folder: template.path })
      const task = await house.begin('book', { mark: CANARY })
      await until('the booking is over', async () =>
        (await house.admin.getTask({ id: task })).state === 'completed' ? true : undefined,
      )
      await house.call('cancel_booking', { mark: CANARY })
    }
    writeFileSync(join(template.path, 'countersign.yaml'), 'data: data\n')
    const outcomes = new Set<string>()
    for (let at = 1, isOver = false; !isOver; at++) {
      assert.ok(at < COMMITS_MAX)
      using folder = makeFolder()
      cpSync(template.path, folder.path, { recursive: true })
      isOver = crashing(folder.path, at, 'erase', 'local')
      const hadBegun =
        isOver ||
        rows(folder.path, "SELECT 1 FROM records WHERE kind = 'Erasure'").length > 0 ||
        rows(folder.path, "SELECT 1 FROM entries WHERE kind = 'erasure'").length > 0
      await using house = await openKept({ folder: folder.path })
      const told = (await house.open.entries()).filter(({ kind }) => kind === 'erasure')
      outcomes.add(`${String(hadBegun)} ${String(told.length > 0)}`)
      assert.equal(told.length > 0, hadBegun, `crash before commit ${String(at)}`)
      assert.equal(filesWith(house.data, CANARY).length === 0, hadBegun)
      // What comes afterwards is kept under a key that the erasure does not touch.
      const later = callIdOf(await house.call('cancel_booking', { mark: 'later' }))
      const { payloads } = await house.admin.readPayloads({ calls: [later] })
      assert.equal(payloads.length, 2)
    }
    assert.deepEqual([...outcomes].toSorted(), ['false false', 'true true'])
  })
})
