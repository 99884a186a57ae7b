// An auditor with an export, a public key and no trust in us; and a second verifier, in Python, that
// was written from docs/ledger-format.md alone.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, describe, it } from 'node:test'
import {
  entryLeaf,
  ExportVerifier,
  formatKey,
  formatNote,
  Frontier,
  handoverText,
  parseKey,
  toBase64,
  type LedgerEntry,
} from '@countersign/contract/ledger/index'
import { makeSigner } from '#audit'
import { systemWorld } from '#base'
import { run } from '../../src/cli/run.ts'
import { makeFolder, overStdio } from './house.ts'

const VERIFIER = join(import.meta.dirname, '../../../../test/ledger/verify.py')
const hasPython = spawnSync('python3', ['--version']).status === 0
const skip = hasPython ? false : 'there is no python3 here to run the second verifier with'

describe('countersign ledger, verify and receipt', { timeout: 60_000 }, () => {
  const folder = makeFolder()
  const config = join(folder.path, 'countersign.json')
  const path = (name: string): string => join(folder.path, name)
  // The timers of a command keep nobody alive; a story does.
  const alive = setInterval(() => undefined, 60_000)
  after(() => {
    clearInterval(alive)
  })
  const cli = async (...args: readonly string[]) => {
    const [out, err] = [new PassThrough(), new PassThrough()]
    const code = await run(args, {
      world: systemWorld,
      cwd: folder.path,
      home: folder.path,
      stdin: process.stdin,
      stdout: out,
      stderr: err,
    })
    return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') }
  }
  const text = JSON.stringify({
    data: path('data'),
    servers: { peer: { ...overStdio('newPeer'), tools: { echo: { effect: 'read' } } } },
  })

  it('proves what happened, and finds what was changed', async () => {
    writeFileSync(config, text)
    const called = await cli('call', 'peer_echo', '--config', config)
    assert.equal(called.code, 0, called.err)
    const exported = await cli('ledger', 'export', 'all.jsonl', '--config', config)
    assert.match(exported.err, /^[1-9]\d* entries/)
    const again = await cli('ledger', 'export', 'all.jsonl', '--config', config)
    assert.match(again.err, /exists already/)
    const key = (await cli('ledger', 'key', '--config', config)).out.trim()

    const whole = await cli('verify', 'all.jsonl', '--key', key)
    assert.match(whole.out, /^Whole: \d+ entries, \d+ checkpoints?\./)
    assert.equal(whole.code, 0)

    const log = (await cli('log', '--json', '--config', config)).out.trim().split('\n')
    const opened = log.map((line) => JSON.parse(line)).find(({ kind }) => kind === 'call.opened')
    const story = await cli('why', opened.call, '--config', config)
    assert.match(story.out, /tools\/call echo of peer \(read\)\n +by +local, with/)
    assert.match(story.out, /allow by permit-all; arguments hmac-sha256:/)
    assert.match(story.out, /answered, [\d.]+ ms\n/)
    assert.match(story.out, /ledger +countersign-[\da-f]{16}, entries \d+, \d+\n/)
    const document = JSON.parse((await cli('why', opened.call, '--json', '--config', config)).out)
    assert.equal(document.rounds.length, 1)
    assert.deepEqual(document.ledger.entries, [opened.seq, opened.seq + 1])

    const receipt = await cli('receipt', opened.call, '--config', config)
    writeFileSync(path('receipt.json'), receipt.out)
    const proved = await cli('verify', 'receipt.json', '--key', key)
    assert.match(proved.out, /^Proved: 2 entries/)
    writeFileSync(
      path('twice.json'),
      readFileSync(path('receipt.json'), 'utf8').replace('{', '{"call":"of another",'),
    )
    const twice = await cli('verify', 'twice.json', '--key', key)
    assert.match(twice.err, /has a member twice/)

    const bend = (name: string): void => {
      writeFileSync(
        path(name),
        // The call itself: what its server offers was written down before.
        readFileSync(path(name), 'utf8').replace('"name":"echo","p', '"name":"drop","p'),
      )
    }
    bend('all.jsonl')
    bend('receipt.json')
    const bent = await cli('verify', 'all.jsonl', '--key', key, '--json')
    const report = JSON.parse(bent.out)
    assert.equal(bent.code, 1)
    assert.equal(report.isWhole, false)
    assert.equal(report.problems[0].from, opened.seq - 1)
    const unproved = await cli('verify', 'receipt.json', '--key', key)
    assert.equal(unproved.code, 1)
    assert.match(unproved.out, /not what was signed/)
  })

  it('says what is missing', async () => {
    const key = formatKey(makeSigner(Buffer.alloc(32, 1)).key)
    for (const [args, why] of [
      [['verify', 'all.jsonl'], /whose signature counts/],
      [['verify', 'all.jsonl', '--key', 'nonsense'], /neither a key nor a file/],
      [['verify', 'nowhere.jsonl', '--key', key], /cannot be read/],
      [['verify', 'all.jsonl', '--key', key, '--witness', 'nowhere'], /cannot be read/],
      [['verify'], /say which file/],
      [['receipt', 'call_nobody', '--config', config], /no call "call_nobody"/],
      [['ledger', 'shred'], /no "ledger shred"/],
    ] as const) {
      const { code, err } = await cli(...args)
      assert.equal(code, 2, args.join(' '))
      assert.match(err, why)
    }
    const stranger = await cli('verify', 'all.jsonl', '--key', key)
    assert.match(stranger.out, /No trusted key/)
  })
})

const SIGNER = makeSigner(Buffer.alloc(32, 9))
/** The key that takes over from it. */
const NEXT = makeSigner(Buffer.alloc(32, 10), SIGNER.origin)
const TAKES_OVER_AT = 6
const KEY = formatKey(SIGNER.key)

const entryAt = (n: number): LedgerEntry => ({
  at: 1_795_358_267_379 + n,
  kind: n % 2 === 0 ? 'call.opened' : 'call.closed',
  ...(n % 5 === 4 ? {} : { call: `call_${String(n)}` }),
  body: {
    name: `tool "${String(n)}" \u2028 \u00e9 \ud83d\ude00 \u007f \b`,
    '\ud83d\ude00': n,
    '\ufb33': [1e21, 1e-7, 0.1, -1.5, 123456789012, 5e-324, 1.7976931348623157e308],
    durationMs: 1.025 * n,
    empty: {},
    none: null,
    yes: true,
  },
})

function handover(): LedgerEntry {
  const [before, key] = [SIGNER.key, NEXT.key]
  const text = handoverText({ origin: SIGNER.origin, before, key })
  const note = formatNote({ text, signatures: [SIGNER.line(text), NEXT.line(text)] })
  const body = { key: formatKey(key), before: formatKey(before), handover: note }
  return { at: 1, kind: 'ledger.key', body }
}

function exportOf(size: number, every: number): readonly string[] {
  const tree = new Frontier()
  const lines = [`{"ledger":"countersign-ledger/1","origin":"${SIGNER.origin}"}`]
  for (let n = 0; n < size; n++) {
    const entry = n === TAKES_OVER_AT ? handover() : entryAt(n)
    const leaf = entryLeaf(entry)
    tree.append(leaf)
    lines.push(JSON.stringify({ n, leaf: toBase64(leaf), entry }))
    if ((n + 1) % every !== 0 && n + 1 < size) continue
    const signer = n < 2 * every ? SIGNER : NEXT
    const checkpoint = signer.note({ size: tree.size, root: tree.root() })
    lines.push(JSON.stringify({ checkpoint, peaks: tree.peaks().map(toBase64) }))
  }
  return [...lines, `{"end":${String(size)}}`]
}

async function isWhole(lines: readonly string[]): Promise<boolean> {
  const key = parseKey(KEY)
  assert.ok(key)
  const verifier = new ExportVerifier({ keys: [key] })
  for (const line of lines) await verifier.line(line)
  return verifier.report().isWhole
}

const LINES = exportOf(12, 5)
const MUTANTS = 1_000

/** One export of many, changed in one place in one of these ways. */
function mutant(turn: number): readonly string[] {
  // The same in every run: a failure can be looked at.
  const at = (turn * 7_919) % LINES.length
  const line = LINES[at] ?? ''
  const place = (turn * 104_729) % (line.length + 1)
  const other = (at + 1 + ((turn * 31) % (LINES.length - 1))) % LINES.length
  switch (turn % 7) {
    case 0:
      return LINES.with(at, line.slice(0, place) + line.slice(place + 1))
    case 1:
      return LINES.with(at, `${line.slice(0, place)}7${line.slice(place + 1)}`)
    case 2:
      return LINES.with(at, `${line.slice(0, place)}A${line.slice(place)}`)
    case 3:
      return LINES.toSpliced(at, 1)
    case 4:
      return LINES.toSpliced(other, 0, line)
    case 5:
      return LINES.with(at, line.replace(/^\{("\w+":)/, '{$1 0,$1'))
    default:
      return LINES.with(at, LINES[other] ?? '').with(other, line)
  }
}

describe('two verifiers', { timeout: 120_000 }, () => {
  it('agree on a whole export, and on a thousand that were changed', { skip }, async () => {
    const exports = [LINES, ...Array.from({ length: MUTANTS }, (_, turn) => mutant(turn))]
    const ours = await Promise.all(exports.map(isWhole))
    const { stdout, status } = spawnSync('python3', [VERIFIER, KEY, '--many'], {
      input: exports.map((lines) => lines.join('\n')).join('\n\n'),
      encoding: 'utf8',
      maxBuffer: 64 * 1_024 * 1_024,
    })
    assert.equal(status, 0)
    const theirs = stdout.trim().split('\n')
    assert.equal(theirs.length, exports.length)
    for (const [at, lines] of exports.entries()) {
      assert.equal(theirs[at] === 'whole', ours[at], `${theirs[at] ?? ''}\n${lines.join('\n')}`)
    }
    assert.equal(ours[0], true)
    // Between two others a checkpoint may be missing; that, and nothing else, changes nothing.
    const unnoticed = ours.slice(1).filter((one) => one).length
    assert.ok(unnoticed < MUTANTS / 10, `${String(unnoticed)} went unnoticed`)
  })
})
