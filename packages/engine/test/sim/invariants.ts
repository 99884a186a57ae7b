import { isFinal, type Entry, type Op, type Task, type Verdict } from '../../src/index.ts'
import type { Disk } from './sim-store.ts'

interface Line {
  readonly task: string
  readonly epoch: number
  readonly seq: number
  readonly body: string
}

/** What must hold after every single write, whatever happened before. */
export class Invariants {
  readonly #disk: Disk
  readonly #tasks = new Map<string, Task>()
  readonly #lines: Line[] = []
  readonly breaches: string[] = []

  constructor(disk: Disk) {
    this.#disk = disk
  }

  async wrote(ops: readonly Op[], verdicts: readonly Verdict[]): Promise<void> {
    const touched = new Set<string>()
    for (const [at, op] of ops.entries()) {
      const id = 'task' in op ? (typeof op.task === 'string' ? op.task : op.task.id) : undefined
      if (id !== undefined) touched.add(id)
      if (!verdicts[at]?.accepted) continue
      if (op.op !== 'record' && op.op !== 'suspend' && op.op !== 'finish') continue
      const { task, epoch } = op
      this.#lines.push(...op.entries.map(({ seq, body }) => ({ task, epoch, seq, body })))
    }
    for (const id of touched) await this.#look(id)
  }

  async #look(id: string): Promise<void> {
    const now = await this.#disk.store.get(id)
    const before = this.#tasks.get(id)
    if (!now) {
      if (before) this.breaches.push(`${id} is gone`)
      return
    }
    this.#tasks.set(id, now)
    if (!before) return
    if (now.epoch < before.epoch) this.breaches.push(`the epoch of ${id} went back`)
    const face = (task: Task): string => JSON.stringify([task.state, task.result, task.error])
    if (isFinal(before.state) && (face(now) !== face(before) || now.epoch !== before.epoch)) {
      this.breaches.push(`${id} was final and changed from ${face(before)} to ${face(now)}`)
    }
  }

  /** No line is there without every line before it: what follows from a line may be something else. */
  #holes(id: string, entries: readonly Entry[]): void {
    const last = new Map<number, number>()
    for (const { epoch, seq, kind } of entries) {
      if (kind === 'late' || seq === 0) continue
      if (seq !== (last.get(epoch) ?? 0) + 1) {
        this.breaches.push(
          `line ${String(epoch)}.${String(seq)} of ${id} came before the one before`,
        )
      }
      last.set(epoch, seq)
    }
  }

  /** What can only be said when all is over. */
  async atEnd(): Promise<void> {
    const journals = new Map<string, Map<string, string>>()
    for (const id of this.#tasks.keys()) {
      const entries = await this.#disk.store.journal(id)
      const lines = entries.map(
        ({ epoch, seq, body }) =>
          [`${String(epoch)}.${String(seq)}`, JSON.stringify(body)] as const,
      )
      journals.set(id, new Map(lines))
      this.#holes(id, entries)
      const given = entries.filter(({ what, kind }) => what === 'wait' && kind === 'done')
      const payloads = given.map(({ body }) => JSON.stringify(body))
      if (new Set(payloads).size < payloads.length) {
        this.breaches.push(`a signal of ${id} was delivered twice: ${payloads.join(' ')}`)
      }
      const outcomes = entries.filter(({ kind }) => kind === 'done' || kind === 'threw')
      if (new Set(outcomes.map(({ call }) => call)).size < outcomes.length) {
        this.breaches.push(`a call of ${id} has two outcomes`)
      }
    }
    for (const { task, epoch, seq, body } of this.#lines) {
      const found = journals.get(task)?.get(`${String(epoch)}.${String(seq)}`)
      if (found !== body)
        this.breaches.push(`line ${String(epoch)}.${String(seq)} of ${task} is lost`)
    }
  }
}
