// Checkpoints that somebody else keeps: then not even the owner of the key can write another history.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  cosignersOf,
  parseCheckpoint,
  parseCosigner,
  parseNote,
  type Witnessed,
} from '@countersign/contract/ledger/index'
import { makeFolder, until, type TestHouse } from '../stories/house.ts'
import { ask } from '../stories/raw.ts'
import {
  callPeer,
  exported,
  keyOf,
  openLedgerHouse,
  rewriteHistory,
  verified,
} from './ledger-house.ts'

const SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`

interface Heard {
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** A receiver that says no to the first `refusals`. */
async function receiver(refusals: number): Promise<{
  readonly url: string
  readonly heard: Heard[]
  readonly server: Server
}> {
  const heard: Heard[] = []
  let left = refusals
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      if (left-- > 0) response.writeHead(503)
      else heard.push({ headers: { ...request.headers }, body })
      response.end()
    })
  })
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready)
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${String(port)}/kept`, heard, server }
}

const witnessedIn = (text: string): Witnessed => {
  const note = parseNote(text)
  const checkpoint = note && parseCheckpoint(note.text)
  assert.ok(note && checkpoint)
  return { ...checkpoint, note }
}

const linesIn = (path: string): readonly Witnessed[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => witnessedIn(JSON.parse(line).checkpoint))

/** Until every witness has seen all that there is. */
const untilKept = (house: TestHouse): Promise<true> =>
  until('all witnesses to have seen everything', async () => {
    const found = await house.house.admin.listWitnesses({})
    return found.every(({ behind }) => behind === 0) ? true : undefined
  })

describe('witnesses', { timeout: 60_000 }, () => {
  it('keep checkpoints in a file and over HTTP, signed, and go on after a failure (AU-030)', async () => {
    using folder = makeFolder()
    const { url, heard, server } = await receiver(1)
    try {
      const file = join(folder.path, 'seen.jsonl')
      const witnesses = [{ file }, { url, secret: SECRET, allowPrivate: true, name: 'hook' }]
      await using house = await openLedgerHouse(join(folder.path, 'data'), { witnesses })
      await callPeer(house, 'seen')
      await untilKept(house)
      const [last] = heard.slice(-1)
      assert.ok(last)
      const { data, type } = JSON.parse(last.body)
      assert.equal(type, 'ledger.checkpoint')
      const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': said } = last.headers
      const signed = createHmac('sha256', Buffer.alloc(32, 3))
        .update(`${String(id)}.${String(at)}.${last.body}`)
        .digest('base64')
      assert.equal(said, `v1,${signed}`)
      const key = await keyOf(house)
      assert.equal(data.key, key)
      const seen = [...linesIn(file), witnessedIn(data.checkpoint)]
      const report = await verified(await exported(house), [key], seen)
      assert.deepEqual(report.problems, [])
      assert.equal(report.witnessed, seen.length)
      const [, hook] = await house.house.admin.listWitnesses({})
      assert.deepEqual([hook?.witness, hook?.kind, hook?.failures], ['hook', 'webhook', 0])
    } finally {
      server.close()
    }
  })

  it('are shown everything after a restart, and find what the owner of the key wrote anew (AU-031)', async () => {
    using folder = makeFolder()
    const [data, file] = [join(folder.path, 'data'), join(folder.path, 'seen.jsonl')]
    const ledger = { witnesses: [{ file }] }
    {
      await using house = await openLedgerHouse(data, ledger)
      await callPeer(house, 'seen')
      await untilKept(house)
    }
    const before = linesIn(file)
    let key = ''
    {
      await using house = await openLedgerHouse(data, ledger)
      await callPeer(house, 'seen')
      await untilKept(house)
      key = await keyOf(house)
      assert.deepEqual((await verified(await exported(house), [key], linesIn(file))).problems, [])
    }
    assert.ok(linesIn(file).length > before.length)
    rewriteHistory(data, '"name":"seen"', '"name":"none"')
    await using house = await openLedgerHouse(data)
    const lines = await exported(house)
    // By itself it is in order: the real key has signed it.
    assert.deepEqual((await verified(lines, [key])).problems, [])
    const report = await verified(lines, [key], before)
    assert.match(report.problems[0]?.what ?? '', /not what a witness has seen/)
  })

  it('of the kind of Countersign sign for what they saw, and take no other history (AU-032)', async () => {
    using folder = makeFolder()
    const [data, kept] = [join(folder.path, 'data'), join(folder.path, 'kept')]
    const token = 'a-token-of-some-length'
    await using keeper = await openLedgerHouse(kept, { witnessFor: [{ token }] })
    const countersign = `http://127.0.0.1:${String(keeper.port)}/witness`
    const witnesses = [{ countersign, token, allowPrivate: true, name: 'keeper' }]
    const said = await ask(new URL(`${countersign}/key`), { method: 'GET' })
    const cosigner = parseCosigner(said.text)
    assert.ok(cosigner)
    {
      await using house = await openLedgerHouse(data, { witnesses })
      await callPeer(house, 'seen')
      await untilKept(house)
      const [line] = await house.house.admin.listWitnesses({})
      const witnessed = witnessedIn(line?.checkpoint ?? '')
      assert.ok(witnessed.note)
      const [signed] = await cosignersOf(witnessed.note, [cosigner])
      assert.equal(signed?.by, cosigner)
      const seen = [witnessed]
      const report = await verified(await exported(house), [await keyOf(house)], seen)
      assert.equal(report.witnessed, 1)
    }
    rewriteHistory(data, '"name":"seen"', '"name":"none"')
    await using house = await openLedgerHouse(data, { witnesses })
    await callPeer(house, 'seen')
    const problem = await until('the witness to refuse', async () => {
      const [line] = await house.house.admin.listWitnesses({})
      return line?.problem
    })
    assert.match(problem, /HTTP 422: it has seen another history of this ledger, of \d+ entries/)
    const forged = (await keeper.entries()).filter(({ kind }) => kind === 'witness.refused')
    assert.ok(forged.length > 0)
  })

  it('of the kind of Countersign follow a ledger to its next key, and a token to one ledger', async () => {
    using folder = makeFolder()
    const token = 'a-token-of-some-length'
    const kept = join(folder.path, 'kept')
    await using keeper = await openLedgerHouse(kept, { witnessFor: [{ token }] })
    const countersign = `http://127.0.0.1:${String(keeper.port)}/witness`
    const witnesses = [{ countersign, token, allowPrivate: true, name: 'keeper' }]
    {
      await using house = await openLedgerHouse(join(folder.path, 'data'), { witnesses })
      await callPeer(house, 'seen')
      await untilKept(house)
      await house.house.admin.rotateLedgerKey({})
      await callPeer(house, 'seen')
      await untilKept(house)
    }
    const kinds = (await keeper.entries()).flatMap(({ kind, body }) =>
      kind === 'witness.trusted' ? [body['by']] : [],
    )
    assert.deepEqual(kinds, ['token', 'handover'])
    await using other = await openLedgerHouse(join(folder.path, 'other'), { witnesses })
    await callPeer(other, 'seen')
    const problem = await until('the witness to refuse', async () => {
      const [line] = await other.house.admin.listWitnesses({})
      return line?.problem
    })
    assert.match(problem, /HTTP 404: it does not keep checkpoints of this ledger/)
  })

  it('answer as C2SP tlog-witness asks (AU-033)', async () => {
    using folder = makeFolder()
    const [data, kept] = [join(folder.path, 'data'), join(folder.path, 'kept')]
    await using house = await openLedgerHouse(data)
    await callPeer(house, 'seen')
    const lines = await exported(house)
    const key = await keyOf(house)
    await using keeper = await openLedgerHouse(kept, { witnessFor: [{ key }] })
    const at = new URL(`http://127.0.0.1:${String(keeper.port)}/witness/add-checkpoint`)
    const show = (body: string) => ask(at, { body, headers: { 'content-type': 'text/plain' } })
    const [note = ''] = lines.flatMap((line) =>
      line.startsWith('{"checkpoint"') ? [JSON.parse(line).checkpoint] : [],
    )
    const size = witnessedIn(note).size
    assert.equal((await show('nonsense')).status, 400)
    assert.equal(
      (await show(`old 0\n\n${note.replace('countersign-', 'counterfeit-')}`)).status,
      404,
    )
    assert.equal((await show(`old ${String(size + 1)}\n\n${note}`)).status, 400)
    const first = await show(`old 0\n\n${note}`)
    assert.equal(first.status, 200)
    assert.ok(parseNote(`${note}${first.text}`))
    const stale = await show(`old 0\n\n${note}`)
    assert.equal(stale.status, 409)
    assert.equal(stale.headers['content-type'], 'text/x.tlog.size')
    assert.equal(stale.text, `${String(size)}\n`)
    assert.equal((await show(`old ${String(size)}\n\n${note}`)).status, 200)
    const bent = note.replace(
      /\n([^\n]{4})([^\n]+=)\n\n/,
      (_all: string, head: string, rest: string) =>
        `\n${head === 'AAAA' ? 'BBBB' : 'AAAA'}${rest}\n\n`,
    )
    assert.equal((await show(`old ${String(size)}\n\n${bent}`)).status, 403)
    await callPeer(house, 'seen')
    const later = (await exported(house)).flatMap((line) =>
      line.startsWith('{"checkpoint"') ? [String(JSON.parse(line).checkpoint)] : [],
    )
    const unproved = await show(`old ${String(size)}\n\n${later.at(-1) ?? ''}`)
    assert.equal(unproved.status, 422)
    assert.equal((await ask(at, { method: 'GET' })).status, 405)
    const forged = (await keeper.entries()).filter(({ kind }) => kind === 'witness.refused')
    assert.equal(forged.length, 1)
  })
})
