import { randomUUID } from 'node:crypto'
import type {
  ClaimOp,
  CreateOp,
  NewEntry,
  NewTask,
  Op,
  RecordOp,
  SignalOp,
  Store,
  SuspendOp,
  Verdict,
} from '../../src/index.ts'

/** Opens an empty store. */
export type OpenStore = () => Promise<Store>

/** All at the same moment: what depends on time says so. */
export const NOW: number = Date.now()
export const HOUR_MS = 3_600_000

export const newTask = (wanted: Partial<NewTask> = {}): NewTask => ({
  id: randomUUID().replaceAll('-', ''),
  kind: 'k',
  version: '',
  owner: 'ann',
  run: null,
  key: null,
  parent: null,
  undoes: null,
  input: '{"a":1}',
  metadata: 'null',
  worker: 'w1',
  dueAt: NOW + HOUR_MS,
  at: NOW,
  expiresAt: NOW + HOUR_MS,
  deadlineAt: null,
  pollMs: 1_000,
  ...wanted,
})

export const create = (task: NewTask, ownerOpenMax = 1_000): CreateOp => ({
  op: 'create',
  task,
  by: null,
  ownerOpenMax,
})

export const claim = (task: string, worker: string, leaseMs = HOUR_MS): ClaimOp => {
  const at = Date.now()
  return { op: 'claim', task, worker, at, until: at + leaseMs }
}

export const line = (seq: number, wanted: Partial<NewEntry> = {}): NewEntry => ({
  seq,
  at: NOW,
  what: 'step',
  kind: 'done',
  call: seq,
  name: `step ${String(seq)}`,
  body: `{"seq":${String(seq)}}`,
  ...wanted,
})

export const record = (
  task: string,
  epoch: number,
  entries: readonly NewEntry[],
  wanted: Partial<RecordOp> = {},
): RecordOp => ({
  op: 'record',
  task,
  epoch,
  at: NOW,
  entries,
  delivered: [],
  waits: null,
  progress: null,
  status: null,
  ...wanted,
})

export const suspend = (
  task: string,
  epoch: number,
  wanted: Partial<SuspendOp> = {},
): SuspendOp => ({
  op: 'suspend',
  task,
  epoch,
  at: NOW,
  entries: [],
  delivered: [],
  dueAt: null,
  waits: '[]',
  inbox: 0,
  status: null,
  ...wanted,
})

export const finish = (task: string, epoch: number, event: 'complete' | 'fail' | 'lose'): Op => ({
  op: 'finish',
  task,
  epoch,
  event,
  at: NOW,
  entries: [],
  delivered: [],
  result: event === 'complete' ? '{"ok":true}' : null,
  error: event === 'complete' ? null : '{"name":"Error","message":"no"}',
})

export const signal = (
  task: string,
  name: string,
  id: string,
  wanted: Partial<SignalOp> = {},
): SignalOp => ({
  op: 'signal',
  task,
  at: NOW,
  id,
  name,
  payload: JSON.stringify(id),
  expected: false,
  inboxMax: 10,
  ...wanted,
})

export const cancel = (task: string): Op => ({ op: 'cancel', task, at: NOW, error: '{}' })

/** Commits one op. */
export async function one(store: Store, op: Op): Promise<Verdict> {
  const [verdict] = await store.commit([op])
  return verdict!
}

/** Creates a task that worker w1 holds in epoch 1. */
export async function held(store: Store, wanted: Partial<NewTask> = {}): Promise<string> {
  const task = newTask(wanted)
  const { accepted } = await one(store, create(task))
  if (!accepted) throw new Error('not created')
  return task.id
}
