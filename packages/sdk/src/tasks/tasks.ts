/** The tasks of one server: created for calls, looked at, answered and cancelled by either protocol. */
import { randomBytes } from 'node:crypto'
import { isObject, own, type Json, type JsonObject, type TaskView } from '@countersign/contract'
import { Engine, isFinal, systemWorld, TaskFault, type Store, type Task } from '@countersign/engine'
import { define, defineGone, ignoreOver, wake } from '../durable/define.ts'
import type { DurableTool, OnError } from '../durable/durable-tool.ts'
import { kindOf, toolOf } from '../durable/kind.ts'
import { askable, canAsk, type Mode } from '../durable/questions.ts'
import { endOf } from '../durable/results.ts'
import { observedStore } from './observed-store.ts'
import { questionsOf, type OpenQuestion } from './open-questions.ts'

/** Whoever reaches this server. It cannot tell its callers apart: the id of a task is the secret. */
const OWNER = 'client'
const FAMILY_MAX = 500

/** What a call of a durable tool is made with. */
export interface NewCall {
  readonly tool: DurableTool
  readonly input: Json
  /** How the one who calls can be asked. */
  readonly modes: readonly Mode[]
  /** How long the task is to be kept, from its creation; at most as long as the tool says. */
  readonly ttlMs?: number
}

/** A task as it stands, with the questions behind its inputs. */
export interface Looked {
  readonly view: TaskView
  readonly task: Task
  readonly questions: readonly OpenQuestion[]
}

/** One page of tasks, newest first. */
export interface Page {
  readonly views: readonly TaskView[]
  readonly next?: string
}

/** What the tasks of a server are kept in, and what they are of. */
export interface TasksOptions {
  readonly store: Store
  readonly tools: readonly DurableTool[]
  readonly onError: OnError
  /** How often clients are told to ask. */
  readonly pollMs?: number
}

export class Tasks {
  readonly #engine: Engine
  readonly #tools: ReadonlyMap<string, DurableTool>
  readonly #listeners = new Set<(id: string) => void>()
  /** Answers that are on their way into a task: their questions are not shown again (TX-016). */
  readonly #answered = new Map<string, Set<string>>()

  #closing: Promise<void> | undefined

  private constructor(engine: Engine, tools: readonly DurableTool[]) {
    this.#engine = engine
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]))
  }

  /** Opens the tasks of a server: those that an earlier process left go on by themselves. */
  static async open({ store, tools, onError, pollMs }: TasksOptions): Promise<Tasks> {
    const keepMsMax = Math.max(...tools.map(({ keepMs }) => keepMs))
    const engine = new Engine({
      store: observedStore(store, (id) => {
        void tasks.#changed(id)
      }),
      limits: {
        // No tool keeps its tasks longer than it says, and children as long as the longest does.
        ttlMs: keepMsMax,
        ttlMsMax: keepMsMax,
        ...(pollMs === undefined ? {} : { pollMs }),
      },
    })
    const tasks = new Tasks(engine, tools)
    try {
      const gone = await defineGone(engine, tools)
      define(engine, tools, onError)
      await engine.start()
      await wake(engine, gone)
      await tasks.#undoCancelled()
    } catch (error) {
      await engine.close()
      throw error
    }
    return tasks
  }

  /** Creates the task of a call, durable before this resolves (TX-007). @throws TaskFault */
  async create({ tool, input, modes, ttlMs }: NewCall): Promise<Looked> {
    const id = newId()
    const task = await this.#engine.create({
      kind: kindOf(tool.name),
      owner: OWNER,
      id,
      input,
      metadata: askable(modes),
      ...(tool.children.length > 0 ? { run: id } : {}),
      ttlMs: Math.min(ttlMs ?? Infinity, tool.keepMs),
      ...(tool.deadlineMs === undefined ? {} : { deadlineMs: tool.deadlineMs }),
    })
    return await this.#looked(task)
  }

  /** A task as it stands; undefined when there is none, or it is somebody's child. */
  async look(id: string): Promise<Looked | undefined> {
    const task = await this.#engine.get(id, OWNER)
    return task && isShown(task) ? await this.#looked(task) : undefined
  }

  /** Waits until a task looks as `isEnough` wants it. @throws whatever `signal` aborts with. */
  async until(
    id: string,
    isEnough: (looked: Looked) => boolean,
    signal: AbortSignal,
  ): Promise<Looked | undefined> {
    for (;;) {
      const change = Promise.withResolvers<void>()
      const off = this.watch((changed) => {
        if (changed === id) change.resolve()
      })
      const aborted = (): void => change.resolve()
      signal.addEventListener('abort', aborted, { once: true })
      try {
        signal.throwIfAborted()
        const looked = await this.look(id)
        if (!looked || isEnough(looked)) return looked
        await change.promise
      } finally {
        off()
        signal.removeEventListener('abort', aborted)
      }
    }
  }

  /** Calls `listener` with the id of each task that looks different; returns the way to stop. */
  watch(listener: (id: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Answers an open question; false when there is none with this key, or it has its answer. */
  async answer(id: string, key: string, reply: JsonObject): Promise<boolean> {
    const looked = await this.look(id)
    const question = looked?.questions.find((open) => open.key === key)
    if (!question) return false
    const answered = this.#answered.get(id) ?? new Set<string>()
    this.#answered.set(id, answered.add(key))
    try {
      await this.#give(question, reply)
      return true
    } catch (error) {
      if (!(error instanceof TaskFault)) throw error
      // Somebody else was faster, or the task has ended meanwhile (TX-017).
      if (error.code === 'store/unavailable') answered.delete(key)
      return false
    } finally {
      this.#tell(id)
    }
  }

  /** Cancels a task; it stays as it is when it was over. Undefined when there is none. */
  async cancel(id: string): Promise<Looked | undefined> {
    const looked = await this.look(id)
    if (!looked || looked.view.end) return looked
    const { state, kind, version } = looked.task
    if (state === 'unknown') await this.#engine.settle(id, { verdict: 'abandon', reason: GIVEN_UP })
    else await this.#engine.cancel(id).catch(ignoreOver)
    if (this.#undoes(kind, version)) await this.#engine.undo(id).catch(ignoreOver)
    return await this.look(id)
  }

  /** Between a cancellation and its undoing a process may have died: undoing twice is undoing once. */
  async #undoCancelled(): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.#engine.list({
        states: ['cancelled'],
        ...(cursor === undefined ? {} : { cursor }),
      })
      for (const task of page.tasks) {
        if (!isShown(task) || !this.#undoes(task.kind, task.version)) continue
        await this.#engine.undo(task.id).catch(ignoreOver)
      }
      cursor = page.next
    } while (cursor !== undefined)
  }

  #undoes(kind: string, version: string): boolean {
    return this.#version(toolOf(kind), version)?.options.undoOnFailure === true
  }

  /** @throws TaskFault `task/bad-cursor`. */
  async list(cursor?: string): Promise<Page> {
    const { tasks, next } = await this.#engine.list({
      owner: OWNER,
      ...(cursor === undefined ? {} : { cursor }),
    })
    const looked = await Promise.all(tasks.filter(isShown).map((task) => this.#looked(task)))
    const views = looked.map(({ view }) => view)
    return next === undefined ? { views } : { views, next }
  }

  /** Lets what is running come to rest and gives the rest back. */
  close(): Promise<void> {
    this.#closing ??= this.#engine.close()
    return this.#closing
  }

  #version(name: string | undefined, version: string): DurableTool | undefined {
    const tool = this.#tools.get(name ?? '')
    return tool && [tool, ...tool.previous].find((each) => each.version === version)
  }

  async #looked(task: Task): Promise<Looked> {
    const end = endOf(task)
    const family = end || task.run === undefined ? [task] : await this.#family(task)
    const answered = this.#answered.get(task.id)
    const asked = end ? [] : questionsOf(task.id, family)
    const questions = asked.filter(({ key }) => answered?.has(key) !== true)
    const view: TaskView = {
      id: task.id,
      message: messageOf(task),
      createdAt: task.createdAt,
      updatedAt: task.updatedAt,
      ttlMs: task.expiresAt - task.createdAt,
      pollMs: task.pollMs,
      inputs: Object.fromEntries(questions.map(({ key, request }) => [key, request])),
      end,
    }
    return { view, task, questions }
  }

  async #family(task: Task): Promise<readonly Task[]> {
    const { run, id } = task
    if (run === undefined) return [task]
    const { tasks } = await this.#engine.list({
      owner: OWNER,
      run,
      states: ['working', 'waiting', 'unknown'],
      limit: FAMILY_MAX,
    })
    const children = tasks.filter((other) => other.id !== id && other.undoes === undefined)
    return [task, ...children.toReversed()]
  }

  async #give({ task, wait, unknown }: OpenQuestion, reply: JsonObject): Promise<void> {
    // The question's own name is the signal's id: whoever answers twice is heard once.
    if (wait !== undefined) await this.#engine.signal(task, wait, reply, { signalId: wait })
    else await this.#engine.settle(task, verdictOf(reply), unknown)
  }

  async #changed(id: string): Promise<void> {
    try {
      const task = await this.#engine.get(id)
      if (!task) return
      if (task.state === 'unknown' && !canAsk(task.metadata, 'form')) {
        // Nobody can be asked, so nobody would ever say: the task ends, and says why.
        await this.#engine.settle(id, { verdict: 'abandon', reason: unknownWords(task) })
        return
      }
      if (isFinal(task.state)) this.#answered.delete(id)
      // The run of a task with children is named for it.
      this.#tell(task.run ?? id)
    } catch {
      // Whoever waits looks again with the next change; a store that cannot be read has none.
    }
  }

  #tell(id: string): void {
    for (const listener of this.#listeners) listener(id)
  }
}

const GIVEN_UP = 'It was cancelled while the outcome of a step was unknown.'

/** Children and undoings are nobody's call. */
const isShown = ({ parent, undoes }: Task): boolean => parent === undefined && undoes === undefined

function messageOf(task: Task): string | undefined {
  const { state, status, progress } = task
  if (state === 'unknown') return unknownWords(task)
  if (status !== undefined || !progress) return status
  const { done, total, message } = progress
  const count = total === undefined ? String(done) : `${String(done)} of ${String(total)}`
  return message === undefined ? count : `${message} (${count})`
}

const unknownWords = ({ error }: Task): string =>
  `${error?.message ?? 'It is unknown whether a step happened.'} It is not repeated by itself.`

/** What a person said of a step whose outcome is unknown. Who does not answer gives up. */
function verdictOf(reply: JsonObject): Parameters<Engine['settle']>[1] {
  const content = own(reply, 'action') === 'accept' ? own(reply, 'content') : undefined
  const outcome = isObject(content) ? own(content, 'outcome') : undefined
  if (outcome === 'happened') return { verdict: 'happened' }
  if (outcome === 'repeat') return { verdict: 'retry' }
  return { verdict: 'abandon', reason: 'It stayed unknown whether a step happened.' }
}

/** Ids that were made together lie together; the rest are 128 random bits that nobody guesses. */
const newId = (): string =>
  `${systemWorld.now().toString(36).padStart(9, '0')}${randomBytes(16).toString('base64url')}`
