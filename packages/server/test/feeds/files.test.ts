// Files for programs that ship logs: every event once, whatever happened to us or to the file.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { openLineFile, systemWorld } from '#base'
import { silentLog } from '#telemetry'
import { makeForwarder } from '../../src/feeds/forward.ts'
import { ownLease } from '../../src/feeds/lease.ts'
import { makeRenderer } from '../../src/feeds/render.ts'
import { openTail } from '../../src/feeds/tail.ts'
import fc from 'fast-check'
import { makeFolder, until } from '../stories/house.ts'
import type { Wire } from '../stories/raw.ts'
import { openFeedHouse, type FeedHouse } from './feed-house.ts'

const IS_WINDOWS = process.platform === 'win32'

/** The whole lines: another may be on its way. */
const linesOf = (path: string): readonly Wire[] =>
  (existsSync(path) ? readFileSync(path, 'utf8') : '')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
const placesOf = (path: string): readonly number[] =>
  linesOf(path).map((one) => Number(one.seq ?? one.sequence ?? one.metadata?.sequence))

async function note(at: FeedHouse, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await at.house.ledger.note('decision.refused', { reason: 'x' })
  }
}
const headOf = async ({ house }: FeedHouse): Promise<number> =>
  (await house.ledger.read({ last: 1 })).at(-1)?.seq ?? 0
const upTo = (to: number): readonly number[] => Array.from({ length: to }, (_, index) => index + 1)

/** Opens a house over the same folder, has things happen, and waits until the file has them. */
async function session(data: string, path: string, count: number): Promise<number> {
  const events = { files: [{ path, format: 'countersign' }] }
  await using at = await openFeedHouse({ data, events })
  await note(at, count)
  const head = await headOf(at)
  await until('the file has it', () => placesOf(path).at(-1) === head || undefined)
  return head
}

it('EV-020: has every entry from the first on, in each format', async () => {
  const formats = ['countersign', 'cloudevents', 'ocsf']
  using folder = makeFolder()
  const paths = formats.map((format) => join(folder.path, `${format}.jsonl`))
  const files = formats.map((format, index) => ({ path: paths[index], format }))
  await using at = await openFeedHouse({ data: folder.path, events: { files } })
  await at.call('read_note')
  await note(at, 30)
  const head = await headOf(at)
  for (const path of paths) {
    await until('the file has it', () => placesOf(path).at(-1) === head || undefined)
    assert.deepEqual(placesOf(path), upTo(head))
  }
})

it('EV-021: after a stop at any byte of a line, nothing is missing and nothing is there twice', async () => {
  using folder = makeFolder()
  const path = join(folder.path, 'events.jsonl')
  let head = await session(folder.path, path, 5)
  for (const torn of [1, 7, 60]) {
    // As a crash leaves it: the end of the last line never reached the disk.
    truncateSync(path, readFileSync(path).length - torn)
    head = await session(folder.path, path, 3)
    assert.deepEqual(placesOf(path), upTo(head))
  }
  // The line was there, and its place was not written down yet.
  appendFileSync(path, '{"seq":')
  head = await session(folder.path, path, 1)
  assert.deepEqual(placesOf(path), upTo(head))
})

it('EV-021: a file that is moved away is begun anew, where it ended', async () => {
  using folder = makeFolder()
  const path = join(folder.path, 'events.jsonl')
  await using at = await openFeedHouse({
    data: folder.path,
    events: { files: [{ path, format: 'ocsf', kinds: ['decision.*'] }] },
  })
  const has = (count: number, where = path) =>
    until('the file has it', () => linesOf(where).length === count || undefined)
  await note(at, 4)
  await has(4)
  renameSync(path, `${path}.1`)
  await note(at, 3)
  await has(3)
  const all = [...placesOf(`${path}.1`), ...placesOf(path)]
  assert.deepEqual(all, [...new Set(all)])
  assert.equal(all.length, 7)
})

it('a file that somebody else writes stays as it is', async () => {
  using folder = makeFolder()
  const path = join(folder.path, 'notes.txt')
  const text = 'Dear diary,\nit is half a li'
  writeFileSync(path, text)
  await using at = await openFeedHouse({ data: folder.path, events: { files: [{ path }] } })
  await note(at, 3)
  assert.match(await at.call('read_note'), /done/)
  assert.equal(readFileSync(path, 'utf8'), text)
})

it('a file of another ledger is not gone on with: what is not in it is not thought to be', async () => {
  using folder = makeFolder()
  const path = join(folder.path, 'events.jsonl')
  const old = '{"seq":5000,"at":1,"kind":"x","body":{}}\n'
  writeFileSync(path, old)
  const events = { files: [{ path, format: 'countersign' }] }
  await using at = await openFeedHouse({ data: folder.path, events })
  await note(at, 3)
  const head = await headOf(at)
  renameSync(path, `${path}.1`)
  await until('the file has it', () => placesOf(path).at(-1) === head || undefined)
  assert.deepEqual(placesOf(path), upTo(head))
  assert.equal(readFileSync(`${path}.1`, 'utf8'), old)
})

it('how far behind a file is can be seen while it cannot be written', async () => {
  const problems: unknown[] = []
  const world = {
    ...systemWorld,
    wait: (_ms: number, signal?: AbortSignal) => systemWorld.wait(1, signal),
  }
  const tail = openTail({ world, read: async () => [], onProblem: (cause) => problems.push(cause) })
  const renderer = makeRenderer({ of: async () => ({}) }, 'x')
  const failing = { name: 'file x', filter: {}, from: 'start', batchMax: 1, keepMs: 0 } as const
  const said: string[] = []
  let tries = 0
  const log = { ...silentLog, warn: (_facts: object, message: string) => void said.push(message) }
  const place = { read: async () => ({ at: 7, attempts: 0, nextAt: 0 }), move: async () => true }
  const forwarder = makeForwarder(
    { world, log, tail, renderer, lease: ownLease, place },
    {
      ...failing,
      begin: () => {
        tries += 1
        return Promise.reject(new Error('no disk'))
      },
      take: async () => undefined,
      close: async () => undefined,
    },
  )
  forwarder.start()
  try {
    await until('it has failed more than once', () => tries > 3 || undefined)
    assert.deepEqual([forwarder.at(), said.length], [7, 1])
  } finally {
    await forwarder.close()
    tail.close()
  }
})

it('a pipe is no file: nothing is told to it twice', { skip: IS_WINDOWS }, async () => {
  using folder = makeFolder()
  const path = join(folder.path, 'pipe')
  execFileSync('mkfifo', [path])
  await assert.rejects(openLineFile(path), /no file/)
})

it('the last whole line of a file is found, wherever its lines break', async () => {
  using folder = makeFolder()
  let number = 0
  const line = fc.string({ unit: fc.constantFrom('a', 'ä', '"', ' '), maxLength: 40 })
  const long = fc.integer({ min: 65_500, max: 65_600 }).map((length) => 'x'.repeat(length))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 5, arbitrary: line }, long), { maxLength: 4 }),
      line,
      async (lines, torn) => {
        const path = join(folder.path, String(number++))
        writeFileSync(path, lines.map((one) => `${one}\n`).join('') + torn)
        {
          await using file = await openLineFile(path)
          assert.equal(file.last, lines.at(-1))
          assert.equal(file.torn === undefined, torn === '')
          await file.mend()
          await file.append('next\n')
        }
        assert.equal(readFileSync(path, 'utf8'), [...lines, 'next', ''].join('\n'))
      },
    ),
    { numRuns: 60 },
  )
})
