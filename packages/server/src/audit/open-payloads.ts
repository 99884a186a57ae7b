import { Fault } from '@countersign/contract'
import type { Seal, World } from '#base'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import type { LedgerStore } from './ledger-store.ts'
import { openPayload, type PayloadPlace } from './payload-box.ts'
import type { Payload } from './payload-store.ts'
import { makePayloads, type Fill, type Payloads, type PayloadSettings } from './payloads.ts'
import { openSubjectKeys, type SubjectKey, type SubjectKeys } from './subject-keys.ts'

export interface KeptRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly store: Pick<LedgerStore, 'payloads' | 'settled'>
  /** Wraps the keys of subjects. */
  readonly master: Seal
  readonly isShared: boolean
}

/** A payload as whoever may read it sees it. */
interface ReadPayload extends PayloadPlace {
  readonly until: number
  /** The text that was digested; undefined when its key is gone. */
  readonly text: string | undefined
}

/** What is kept of calls, and the keys that it is kept under. */
export interface KeptPayloads extends Payloads {
  /** Those of a call and its later rounds, opened. Whoever asks has said so in the ledger. */
  readonly read: (subject: string, call: string) => Promise<readonly ReadPayload[]>
  /** The salt of the digests of a subject; undefined when there is no key. */
  readonly saltOf: (subject: string) => Promise<string | undefined>
  /** The key in force, by its name. */
  readonly keyOf: (subject: string) => Promise<string | undefined>
  readonly countOf: (key: string) => Promise<number>
  /** Ends the key: nothing that is sealed or salted with it can be read or guessed back. */
  readonly destroyKey: (subject: string) => Promise<void>
  /** Takes out all that is sealed under a key. */
  readonly drop: (key: string) => Promise<void>
  /** Takes out what is over; once, and not waiting for the next time. */
  readonly sweep: () => Promise<void>
  readonly close: () => void
}

const SWEEP_MS = 60_000
/** How much is taken out in one commit, which calls wait for. */
const BATCH = 200
/** What could not be written was counted all the same: now and then it is counted anew. */
const RECOUNT_EVERY = 15

export async function openPayloads(
  rooms: KeptRooms,
  settings: PayloadSettings,
): Promise<KeptPayloads> {
  const { world, log, store } = rooms
  const onProblem = (cause: unknown): void => {
    log.error({ cause: String(cause) }, 'the keys of subjects cannot be read')
  }
  const keys = await openSubjectKeys({ ...rooms, onProblem })
  const fill: Fill = { bytes: await store.payloads.bytes() }
  const sweeping = sweeper(rooms, fill)
  const stop = everyMinute(world, log, sweeping)
  return {
    ...makePayloads({ world, keys, settings, fill }),
    ...readings(rooms, keys),
    destroyKey: async (subject) => {
      await keys.destroy(subject)
    },
    drop: async (key) => {
      await store.settled()
      await inBatches(fill, () => store.payloads.drop(key, BATCH))
    },
    sweep: sweeping,
    close: () => {
      stop()
      keys.close()
    },
  }
}

function readings(
  { store }: KeptRooms,
  keys: SubjectKeys,
): Pick<KeptPayloads, 'read' | 'saltOf' | 'keyOf' | 'countOf'> {
  return {
    read: async (subject, call) => {
      await store.settled()
      const [key, payloads] = await Promise.all([keys.find(subject), store.payloads.of(call)])
      return payloads.map((one) => opened(key, one))
    },
    saltOf: async (subject) => (await keys.find(subject))?.salt.export().toString('base64url'),
    keyOf: async (subject) => (await keys.find(subject))?.id,
    countOf: async (key) => {
      await store.settled()
      return store.payloads.countOf(key)
    },
  }
}

function opened(key: SubjectKey | undefined, payload: Payload): ReadPayload {
  const { call, part, until, sealed } = payload
  if (key?.id !== payload.key) return { call, part, until, text: undefined }
  const text = openPayload(key, payload, sealed)
  if (text !== undefined) return { call, part, until, text }
  throw new Fault(
    'store/unavailable',
    `The ${part} kept of ${call} cannot be opened: they were changed where they are kept.`,
  )
}

/** Nothing is written where nothing is kept. What another node kept is over even when that node is gone. */
function sweeper({ world, store, isShared }: KeptRooms, fill: Fill): () => Promise<void> {
  let times = 0
  return async () => {
    if (fill.bytes === 0 && !isShared) return
    await inBatches(fill, () => store.payloads.sweep(world.now(), BATCH))
    if (++times % RECOUNT_EVERY === 0) fill.bytes = await store.payloads.bytes()
  }
}

async function inBatches(
  fill: Fill,
  batch: () => ReturnType<LedgerStore['payloads']['sweep']>,
): Promise<void> {
  for (;;) {
    // Between two batches others have their turn.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const { count, bytes } = await batch()
    fill.bytes = Math.max(0, fill.bytes - bytes)
    if (count < BATCH) return
  }
}

/** Until it is called off. */
function everyMinute(world: World, log: Log, sweep: () => Promise<void>): () => void {
  let stop: (() => void) | undefined
  let isOver = false
  const next = (): void => {
    if (!isOver) stop = world.after(SWEEP_MS, () => void swept())
  }
  const swept = async (): Promise<void> => {
    try {
      await sweep()
    } catch (cause) {
      log.warn({ cause: String(cause) }, 'payloads that are over could not be removed')
    }
    next()
  }
  next()
  return () => {
    isOver = true
    stop?.()
  }
}
