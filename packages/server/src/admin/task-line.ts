import { own, type Admin, type Json } from '@countersign/contract'
import { isFinal, type Task } from '@countersign/engine'
import { waitingInLine, wordsOf, type Desk, type Standing } from '#tasks'

export type Line = Awaited<ReturnType<Admin['listTasks']>>['tasks'][number]

const MESSAGE_CHARS_MAX = 1_000

/** A task in one line, whatever it does. */
export function lineOf(desk: Desk, task: Task): Line {
  const { id, state, owner, createdAt, updatedAt, expiresAt } = task
  const standing = desk.standing(task)
  const error = errorOf(task, standing)
  return {
    id,
    ...kindOf(task),
    state,
    owner,
    ...(standing ? placeOf(standing) : {}),
    createdAt,
    updatedAt,
    expiresAt,
    ...shownOf(task),
    ...(standing?.waiting ? { status: waitingInLine(standing.waiting) } : {}),
    asks: standing ? asksOf(standing) : [],
    isError: isFinal(state) && state !== 'cancelled' && error !== undefined,
    ...(error === undefined ? {} : { error }),
  }
}

function kindOf(task: Task): Pick<Line, 'kind' | 'undoes'> {
  const undoes = undoneIn(task)
  if (undoes === undefined) return { kind: 'call' }
  return { kind: task.undoes === undefined ? 'undo-run' : 'undo', undoes }
}

/** What is there only sometimes. */
function shownOf({
  state,
  run,
  dueAt,
  status,
  progress,
}: Task): Pick<Line, 'run' | 'dueAt' | 'status' | 'progress'> {
  // A task that is being worked on is due when its lease ends, which tells a person nothing.
  const isDue = dueAt !== undefined && state === 'waiting'
  return {
    ...(run === undefined ? {} : { run }),
    ...(isDue ? { dueAt } : {}),
    ...(status === undefined ? {} : { status }),
    ...(progress === undefined ? {} : { progress }),
  }
}

const placeOf = ({ errand }: Standing): Pick<Line, 'server' | 'tool' | 'effect' | 'client'> => ({
  server: errand.server,
  tool: errand.tool,
  effect: errand.effect,
  client: errand.client.label,
})

/** The tasks that a task takes back, in its order; undefined for a call. */
export function undoneIn({ undoes, kind, input }: Task): string[] | undefined {
  if (undoes !== undefined) return [undoes]
  return kind === 'undo-run' && Array.isArray(input) ? input.map(String) : undefined
}

function asksOf({ inputs }: Standing): string[] {
  return Object.values(inputs).map(({ method, params }) => {
    const message = params && own(params, 'message')
    return typeof message === 'string' ? message.slice(0, MESSAGE_CHARS_MAX) : method
  })
}

/** Why there is no result, or what the result says of an error. */
function errorOf({ error }: Task, standing: Standing | undefined): Line['error'] {
  if (error) {
    const { message, code } = error
    return { message, ...(code === undefined ? {} : { code }) }
  }
  const ended = standing?.ended
  if (ended === undefined || ended === 'cancelled') return undefined
  if (ended.kind === 'refused') return { message: ended.fault.message, code: ended.fault.code }
  if (ended.kind === 'errored') {
    return { message: ended.error.message, code: String(ended.error.code) }
  }
  if (ended.result['isError'] !== true) return undefined
  return { message: wordsOf(ended).slice(0, MESSAGE_CHARS_MAX) }
}

const SECRET =
  /pass(?:word|wd|phrase)|secret|token|credential|authorization|api[-_]?key|private[-_]?key|cookie/i

/** A value without the members that are named like secrets. */
export function withoutSecrets(value: Json): Json {
  if (Array.isArray(value)) return value.map((one: Json) => withoutSecrets(one))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).flatMap(([key, member]: [string, Json | undefined]) =>
    member === undefined ? [] : [[key, SECRET.test(key) ? '[secret]' : withoutSecrets(member)]],
  )
  return Object.fromEntries(members)
}
