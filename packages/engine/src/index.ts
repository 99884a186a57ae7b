/** engine: what makes work survive. Knows nothing of MCP. */
export { openDatabase, StoreLocked, StoreUnwritable } from './database.ts'
export { GroupCommit } from './group-commit.ts'
export { Engine, type EngineOptions, type Listing } from './engine.ts'
export {
  NotDone,
  RecordedError,
  TASK_FAULTS,
  TaskFault,
  type TaskFailure,
  type TaskFaultCode,
} from './fault.ts'
export { advance, isFinal, TASK_STATES, type TaskEvent, type TaskState } from './machine.ts'
export { DEFAULT_LIMITS, type Limits } from './limits.ts'
export { systemWorld, type World } from './world.ts'
export type { Pace } from './worker.ts'
export type { Order } from './order.ts'
export type { OpenWait, Progress, Task, TaskPage } from './task.ts'
export type { Entry, EntryKind, EntrySubject, NewEntry, Signal } from './journal.ts'
export type { Settlement } from './settle.ts'
export type { RetryPolicy } from './run/retry.ts'
export type {
  AttemptContext,
  AttemptOptions,
  ChildOptions,
  Handler,
  KindOptions,
  Reconciled,
  StepContext,
  StepOptions,
  TaskContext,
  WaitOptions,
} from './run/types.ts'
export type { Dispatcher, RunTask } from './dispatch/dispatcher.ts'
export { bossDispatcher, type BossOptions } from './dispatch/boss.ts'
export { localDispatcher } from './dispatch/local.ts'
export type { Due, Store, TaskQuery } from './store.ts'
export type * from './ops.ts'
export { openSqliteStore, sqliteStore, type SqliteHost } from './sqlite/sqlite-store.ts'
export { postgresStore, type PostgresLink } from './postgres/postgres-store.ts'
export { connectPostgres, type PostgresOptions, type PostgresPool } from './postgres/connect.ts'
export { TASK_TABLES } from './sqlite/tables.ts'
