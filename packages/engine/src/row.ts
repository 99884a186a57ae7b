import { parseExactly, type Json } from '@countersign/contract'
import type { TaskFailure } from './fault.ts'
import type { Entry, EntryKind, EntrySubject, Signal } from './journal.ts'
import type { TaskState } from './machine.ts'
import type { OpenWait, Progress, Task } from './task.ts'

/** A row as both databases give it: snake_case columns, JSON as text. */
export type Row = Readonly<Record<string, unknown>>

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const maybeText = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined
const maybeNumber = (value: unknown): number | undefined =>
  value === null || value === undefined ? undefined : Number(value)

/** JSON text that we wrote ourselves, as the value its writer knew. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function parse<Value>(value: unknown): Value {
  // What the engine stored has the shape the engine gave it: this is where trust in it begins.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return parseExactly(text(value)) as Value
}
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
const maybe = <Value>(value: unknown): Value | undefined =>
  typeof value === 'string' ? parse<Value>(value) : undefined

/** A row of `tasks` as a task. */
export function toTask(row: Row): Task {
  return {
    id: text(row['id']),
    kind: text(row['kind']),
    version: text(row['version']),
    owner: text(row['owner']),
    run: maybeText(row['run']),
    key: maybeText(row['key']),
    parent: maybeText(row['parent']),
    undoes: maybeText(row['undoes']),
    input: parse<Json>(row['input']),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    state: text(row['state']) as TaskState,
    epoch: Number(row['epoch']),
    worker: maybeText(row['worker']),
    dueAt: maybeNumber(row['due_at']),
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    expiresAt: Number(row['expires_at']),
    deadlineAt: maybeNumber(row['deadline_at']),
    pollMs: Number(row['poll_ms']),
    status: maybe<string>(row['status']),
    progress: maybe<Progress>(row['progress']),
    waits: maybe<readonly OpenWait[]>(row['waits']) ?? [],
    inbox: Number(row['inbox']),
    result: maybe<Json>(row['result']),
    error: maybe<TaskFailure>(row['error']),
    metadata: parse<Json>(row['metadata']),
  }
}

/** A row of `journal` as an entry. */
export function toEntry(row: Row): Entry {
  return {
    epoch: Number(row['epoch']),
    seq: Number(row['seq']),
    at: Number(row['at']),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    what: text(row['what']) as EntrySubject,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    kind: text(row['kind']) as EntryKind,
    call: Number(row['call']),
    name: text(row['name']),
    body: parse<Json>(row['body']),
  }
}

/** A row of `signals` as a signal. */
export const toSignal = (row: Row): Signal => ({
  id: text(row['id']),
  name: text(row['name']),
  payload: parse<Json>(row['payload']),
})
