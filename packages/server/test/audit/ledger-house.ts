// A house in front of one peer, whose ledger is looked at by somebody who trusts nobody.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  ExportVerifier,
  parseKey,
  type ExportReport,
  type NoteKey,
  type Witnessed,
} from '@countersign/contract/ledger/index'
import type { Loose } from '../stories/clients.ts'
import { openTestHouse, overStdio, type TestHouse } from '../stories/house.ts'
import { ask, modern, type Wire } from '../stories/raw.ts'

/** `echo` reads; `seen` writes. */
export const PEER = {
  ...overStdio('newPeer'),
  tools: { echo: { effect: 'read' }, seen: { effect: 'write' } },
}

export const openLedgerHouse = (data: string, ledger: Loose = {}): Promise<TestHouse> =>
  openTestHouse({ data, ledger, servers: { peer: PEER } })

/** Calls a tool of the peer and gives its result, with what stands beside it. */
export async function callPeer({ at }: TestHouse, name: string): Promise<Wire> {
  const said = await ask(
    at(),
    modern('tools/call', { params: { name: `peer_${name}`, arguments: {} } }),
  )
  assert.ok(said.json.result, said.text)
  return said.json.result
}

export async function exported({ house }: TestHouse): Promise<readonly string[]> {
  const lines: string[] = []
  for (let from: number | undefined = 0; from !== undefined;) {
    const page = await house.admin.exportLedger({ from, limit: 1_000 })
    lines.push(...page.lines)
    from = page.next
  }
  return lines
}

export async function verified(
  lines: readonly string[],
  keys: readonly string[],
  witnesses: readonly Witnessed[] = [],
): Promise<ExportReport> {
  const verifier = new ExportVerifier({ keys: keys.map(keyIn), witnesses })
  for (const line of lines) await verifier.line(line)
  return verifier.report()
}

export function keyIn(text: string): NoteKey {
  const key = parseKey(text)
  assert.ok(key, text)
  return key
}

export const keyOf = async ({ house }: TestHouse): Promise<string> =>
  (await house.admin.getLedgerKey({})).key

/** What the owner of the key can always do: writes another history, as if it had been so from the start. */
export function rewriteHistory(data: string, from: string, to: string): void {
  const database = new DatabaseSync(join(data, 'countersign.db'))
  const { changes } = database
    .prepare('UPDATE entries SET body = replace(body, ?, ?) WHERE instr(body, ?) > 0')
    .run(from, to, from)
  assert.ok(Number(changes) > 0, `nothing to rewrite: ${from}`)
  database.exec('DELETE FROM checkpoints; DELETE FROM tree_nodes')
  database.close()
}
