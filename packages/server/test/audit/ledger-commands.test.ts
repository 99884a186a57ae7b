// What an operator types about the keys of a ledger and those who keep its checkpoints.

import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { countersign, type Said } from '../policy/command.ts'
import { makeFolder, until } from '../stories/house.ts'
import { callPeer, openLedgerHouse, PEER } from './ledger-house.ts'

describe('countersign ledger', { timeout: 60_000 }, () => {
  const folder = makeFolder()
  const path = (name: string): string => join(folder.path, name)
  // The timers of a command keep nobody alive; a story does.
  const alive = setInterval(() => undefined, 60_000)
  after(() => {
    clearInterval(alive)
    folder[Symbol.dispose]()
  })
  const cli = (...argv: readonly string[]): Promise<Said> =>
    countersign(folder.path, ...argv, '--config', path('countersign.json'))
  const verify = (...argv: readonly string[]): Promise<Said> =>
    countersign(folder.path, 'verify', ...argv)

  it('rotate-key makes the next key, and --lost another one that says so', async () => {
    const text = JSON.stringify({ data: path('data'), servers: { peer: PEER } })
    writeFileSync(path('countersign.json'), text)
    assert.equal((await cli('call', 'peer_seen')).code, 0)
    const old = (await cli('ledger', 'key')).out.trim()
    const next = await cli('ledger', 'rotate-key')
    assert.equal(next.code, 0, next.err)
    assert.equal((await cli('ledger', 'key')).out.trim(), next.out.trim())
    const hasty = await cli('ledger', 'rotate-key', '--lost')
    assert.equal(hasty.code, 2)
    assert.match(hasty.err, /is not lost/)
    rmSync(path('data/keys/ledger.key'))
    const refused = await cli('ledger', 'key')
    assert.equal(refused.code, 2)
    assert.match(refused.err, /ledger\.key is gone/)
    const lost = await cli('ledger', 'rotate-key', '--lost')
    assert.equal(lost.code, 0, lost.err)
    await cli('ledger', 'export', 'all.jsonl')
    const alone = await verify('all.jsonl', '--key', old)
    assert.equal(alone.code, 1)
    const both = await verify('all.jsonl', '--key', old, '--key', lost.out.trim())
    assert.match(both.out, /The key was lost at entry \d+: only witnesses speak/)
    assert.match(both.out, /^Whole: /m)
    assert.match((await cli('ledger', 'witnesses')).out, /^Nobody/)
  })

  it('witnesses tells how far each has got, and verify takes what it has kept', async () => {
    const [data, seen] = [path('watched'), path('seen.jsonl')]
    const ledger = { witnesses: [{ file: 'seen.jsonl' }] }
    const text = JSON.stringify({ data, servers: { peer: PEER }, ledger })
    writeFileSync(path('countersign.json'), text)
    {
      await using house = await openLedgerHouse(data, {
        witnesses: [{ file: seen, name: 'seen.jsonl' }],
      })
      await callPeer(house, 'seen')
      await until('the file to have everything', async () => {
        const [line] = await house.house.admin.listWitnesses({})
        return line?.behind === 0 ? true : undefined
      })
    }
    const told = await cli('ledger', 'witnesses')
    assert.equal(told.code, 0)
    assert.match(told.out, /^seen\.jsonl \(file\) {2}\d+ entries, all, 20/)
    const key = (await cli('ledger', 'key')).out.trim()
    await cli('ledger', 'export', 'watched.jsonl')
    const whole = await verify('watched.jsonl', '--key', key, '--witness', 'seen.jsonl')
    assert.match(whole.out, /^Whole: .*, \d+ witness(?:es)? agree/)
    const [first = ''] = readFileSync(seen, 'utf8').split('\n')
    writeFileSync(path('bent.jsonl'), first.replace(/\\n(\d+)\\n(.)/, '\\n$1\\nA'))
    const bent = await verify('watched.jsonl', '--key', key, '--witness', 'bent.jsonl')
    assert.equal(bent.code, 1)
    assert.match(bent.out, /signed by no trusted key/)
    const args = ['--key', key, '--witness', 'seen.jsonl', '--witness-key']
    const noWitness = await verify('watched.jsonl', ...args, key)
    assert.match(noWitness.err, /neither a witness's key nor a file/)
  })
})
