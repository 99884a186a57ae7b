import { hash } from 'node:crypto'
import {
  ExportVerifier,
  Frontier,
  isIncluded,
  parseCheckpoint,
  parseNote,
  type NoteKey,
} from '../../packages/contract/src/ledger/index.ts'
import { canonical } from '../../packages/contract/src/canonical.ts'
import {
  makeSigner,
  openTree,
  sqliteLedger,
  type Tree,
} from '../../packages/server/src/audit/index.ts'
import { systemWorld } from '../../packages/server/src/base/index.ts'
import type { Store } from '../../packages/server/src/store/index.ts'
import { silentLog } from '../../packages/server/src/telemetry/index.ts'
import { percentile } from '../statistics.ts'
import { openingOf } from './writing.ts'

/** What proofs cost over a ledger of this size. */
export interface Proofs {
  readonly entries: number
  readonly buildMs: number
  readonly hashes: number
  readonly bytes: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly checkUs: number
  readonly consistencyP50Ms: number
}

const BATCH = 10_000
const KEPT_LEVELS = 8
const SAMPLES = 200
const HASH_BYTES = 32

const { call: _none, ...BODY } = openingOf('', 'write')
const TEXT = canonical(BODY)

const callAt = (n: number): string => `call_${String(n).padStart(22, '0')}`

function leafAt(n: number): Uint8Array {
  const text = `{"at":${String(n)},"body":${TEXT},"call":"${callAt(n)}","kind":"call.opened"}`
  return new Uint8Array(hash('sha256', `\0${text}`, 'buffer'))
}

/** Fills the store as the ledger would, with one checkpoint at the end. */
async function build(store: Store, size: number): Promise<Tree> {
  const lines = sqliteLedger(store)
  const signer = makeSigner(Buffer.alloc(32, 1))
  const tree = new Frontier()
  for (let from = 0; from < size; from += BATCH) {
    const to = Math.min(size, from + BATCH)
    await lines.commit((pen) => {
      for (let n = from; n < to; n++) {
        pen.append(n, 'call.opened', callAt(n), TEXT)
        for (const { level, index, hash: node } of tree.append(leafAt(n))) {
          if (level > 0 && level % KEPT_LEVELS === 0) pen.keep(level, index, node)
        }
      }
    })
  }
  const note = signer.note({ size, root: tree.root() })
  const peaks = Buffer.concat(tree.peaks())
  await lines.commit((pen) => {
    pen.sign({ size, at: 0, note, peaks })
  })
  return openTree({ world: systemWorld, log: silentLog, store: lines, signer })
}

export async function prove(store: Store, size: number): Promise<Proofs> {
  const from = performance.now()
  const tree = await build(store, size)
  const buildMs = performance.now() - from
  const took: number[] = []
  const older: number[] = []
  let hashes = 0
  let checkMs = 0
  for (let at = 0; at < SAMPLES; at++) {
    const seq = 1 + Math.floor((at * 0.618_033_988_749 * size) % size)
    const began = performance.now()
    const proof = await tree.proof(seq)
    took.push(performance.now() - began)
    if (!proof) throw new Error(`entry ${String(seq)} has no proof`)
    hashes = Math.max(hashes, proof.path.length)
    const checked = performance.now()
    const head = parseCheckpoint(parseNote(proof.note)?.text ?? '')
    const isProved = head && isIncluded(leafAt(proof.index), proof.index, head, proof.path)
    checkMs += performance.now() - checked
    if (isProved !== true) throw new Error(`entry ${String(seq)} is not proved`)
    const asked = performance.now()
    await tree.consistency(seq, size)
    older.push(performance.now() - asked)
  }
  return {
    entries: size,
    buildMs,
    hashes,
    bytes: hashes * HASH_BYTES,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
    checkUs: (checkMs / SAMPLES) * 1_000,
    consistencyP50Ms: percentile(older, 0.5),
  }
}

/** How many entries a second a stranger with the key checks, from the lines of an export. */
export async function verifying(store: Store, entriesMax: number): Promise<number> {
  const signer = makeSigner(Buffer.alloc(32, 1))
  const lines = sqliteLedger(store)
  const tree = openTree({ world: systemWorld, log: silentLog, store: lines, signer })
  const exported: string[] = []
  for (let from = 0; exported.length < entriesMax;) {
    const page = await tree.page(from, BATCH)
    exported.push(...page.lines)
    if (page.next === undefined) break
    from = page.next
  }
  const key: NoteKey = signer.key
  const verifier = new ExportVerifier({ keys: [key] })
  const began = performance.now()
  for (const line of exported) await verifier.line(line)
  const { entries, problems } = verifier.report()
  const elapsedMs = performance.now() - began
  // The pages end somewhere: that, and nothing else, may be missing.
  const [strange] = problems.filter(({ what }) => !/no end|covers the last/.test(what))
  if (strange) throw new Error(strange.what)
  return (entries / elapsedMs) * 1_000
}
