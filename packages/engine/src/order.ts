import type { Json } from '@countersign/contract'
import { TaskFault } from './fault.ts'
import type { Limits } from './limits.ts'
import { TRANSITIONS } from './machine.ts'
import { checkName, isId } from './names.ts'
import type { FinishOp, NewTask } from './ops.ts'
import { fromText, toRecorded, toText } from './run/value.ts'
import type { Task } from './task.ts'
import { newId, toMs, type World } from './world.ts'

/** What is wanted of a new task. */
export interface Order {
  readonly kind: string
  /** Who may ask about it; opaque to the engine. */
  readonly owner: string
  readonly input?: unknown
  /** 22 to 64 characters of base64url that nobody can guess. Default: 128 random bits. */
  readonly id?: string
  /** The same key of the same owner always means the same task. */
  readonly key?: string
  readonly run?: string
  readonly metadata?: Json
  /** From creation; at most `ttlMsMax`. */
  readonly ttlMs?: number
  /** From creation; the task fails when it is not done by then. */
  readonly deadlineMs?: number
  /** From creation. */
  readonly delayMs?: number
  readonly pollMs?: number
}

/** What only the engine decides about a new task. */
export interface Birth {
  readonly version: string
  /** Claimed at birth until `dueAt`; otherwise offered at `dueAt`. */
  readonly worker: string | null
  readonly dueAt: number
  readonly parent: string | null
  readonly undoes: string | null
}

/** Checks an order and writes it out as a row. @throws TaskFault for names, ids, sizes and values. */
export function toNewTask(order: Order, birth: Birth, world: World, limits: Limits): NewTask {
  const at = world.now()
  const { id = newId(world), key, run, deadlineMs, input, metadata } = order
  if (!isId(id)) {
    throw new TaskFault('task/bad-name', 'An id has 22 to 64 characters of base64url.')
  }
  const text = (value: unknown): string =>
    toText(value, limits.inputBytesMax, 'task/input-too-large')
  const ttlMs = Math.min(limits.ttlMsMax, toMs('ttlMs', order.ttlMs ?? limits.ttlMs))
  return {
    ...birth,
    id,
    kind: checkName('A kind', order.kind),
    owner: checkName('An owner', order.owner),
    key: key === undefined ? null : checkName('A key', key),
    run: run === undefined ? null : checkName('A run', run),
    input: text(input),
    metadata: text(metadata),
    at,
    expiresAt: at + ttlMs,
    deadlineAt: deadlineMs === undefined ? null : at + toMs('deadlineMs', deadlineMs),
    pollMs: toMs('pollMs', order.pollMs ?? limits.pollMs),
  }
}

/** The task that a row begins as, without asking the store. */
export function toBorn(row: NewTask): Task {
  const { at, input, metadata, worker } = row
  return {
    id: row.id,
    kind: row.kind,
    version: row.version,
    owner: row.owner,
    run: row.run ?? undefined,
    key: row.key ?? undefined,
    parent: row.parent ?? undefined,
    undoes: row.undoes ?? undefined,
    input: fromText(input),
    metadata: fromText(metadata),
    state: 'working',
    epoch: worker === null ? 0 : 1,
    worker: worker ?? undefined,
    dueAt: row.dueAt,
    createdAt: at,
    updatedAt: at,
    expiresAt: row.expiresAt,
    deadlineAt: row.deadlineAt ?? undefined,
    pollMs: row.pollMs,
    status: undefined,
    progress: undefined,
    waits: [],
    inbox: 0,
    result: undefined,
    error: undefined,
  }
}

/** The task that a row has become in its first life, when nothing but its end has changed it. */
export function toEnded(row: NewTask, { event, at, result, error }: FinishOp): Task {
  return {
    ...toBorn(row),
    state: TRANSITIONS[event].to,
    worker: undefined,
    dueAt: undefined,
    updatedAt: Math.max(row.at, at),
    result: result === null ? undefined : fromText(result),
    error: error === null ? undefined : toRecorded(fromText(error)),
  }
}
