import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import type { World } from '#base'
import { approversOf } from '#policy'
import { dateOf, type Errand, type Standing, type Waiting } from '#tasks'
import type { Asked } from './asked.ts'

/** The names of the tools that we add for clients without tasks. */
export const OWN_TOOLS = {
  result: 'countersign_result',
  pending: 'countersign_pending',
  cancel: 'countersign_cancel',
} as const

/** Below what any client cuts off. */
const WORDS_CHARS_MAX = 8_000
const ARGUMENTS_CHARS_MAX = 200
const MINUTE_MS = 60_000
const SECOND_MS = 1_000
/** After so many looks in vain a model is told to leave it alone. */
const LOOKS_MAX = 3

/** A tool result that is one text block and nothing else: some clients show structure instead of text. */
export const inWords = (text: string, isError = false): JsonObject => ({
  content: [{ type: 'text', text: `${text.slice(0, WORDS_CHARS_MAX).trimEnd()}\n` }],
  ...(isError ? { isError: true } : {}),
})

/** The tool as its client called it, with the beginning of its arguments. */
function calledAs({ params }: Errand): string {
  const given = own(params, 'arguments')
  const text = isObject(given) && Object.keys(given).length > 0 ? ` ${JSON.stringify(given)}` : ''
  const cut = text.length > ARGUMENTS_CHARS_MAX ? `${text.slice(0, ARGUMENTS_CHARS_MAX)}…` : text
  return `${textAt(params, 'name')}${cut}`
}

/** How long, in words that a person and a model read alike. */
export function ago(ms: number): string {
  if (ms < MINUTE_MS) return `${String(Math.max(0, Math.round(ms / SECOND_MS)))} s`
  return `${String(Math.round(ms / MINUTE_MS))} min`
}

const clock = (at: number): string => `${new Date(at).toISOString().slice(11, 16)} UTC`

/** The same while people have to approve it: what there is to know, and the one thing to do. */
function waitingForPeople(
  { task, errand }: Standing,
  { approval, asks, message, page, expiresAt }: Waiting,
  isRepeated: boolean,
): string {
  const name = textAt(errand.params, 'name')
  const again = isRepeated ? ' This is the same request as before; nobody was asked again.' : ''
  return [
    `Waiting for approval. Nothing has been executed yet.${again}`,
    `Request: ${task.id} (${calledAs(errand)})`,
    `It needs the approval of ${approversOf(asks)}, until ${dateOf(expiresAt)}.${message === undefined ? '' : ` Why: ${message}`}`,
    page === undefined
      ? `They decide with: countersign approve ${approval} (or deny). You cannot approve it: do not run that yourself.`
      : `They decide at: ${page} You cannot approve it.`,
    `Once approved it is carried out by itself, even if this session ends. Do not call ${name} again for this; it would return this same request.`,
    `Tell the user whose approval is needed${page === undefined ? '' : ', and give them this link'}. To get the outcome, call ${OWN_TOOLS.result} with id "${task.id}" (it waits up to 40 s).`,
  ].join('\n')
}

/** What a client without tasks reads instead of a result that is not there yet. */
function stillRunning({ task, errand, inputs }: Standing, isRepeated: boolean): string {
  const name = textAt(errand.params, 'name')
  const state =
    Object.keys(inputs).length > 0
      ? 'Waiting for an answer from the user.'
      : `Running. Started ${clock(task.createdAt)}, no result yet.`
  return [
    `${state} ${isRepeated ? 'This is the same request as before; nothing was started again.' : 'It continues on the gateway even if this session ends.'}`,
    `Request: ${task.id} (${calledAs(errand)})`,
    ...(task.status === undefined ? [] : [`Last word from the server: ${task.status}`]),
    `Do not call ${name} again for this; it would return this same request.`,
    `To get the result, call ${OWN_TOOLS.result} with id "${task.id}" (it waits up to 40 s). You can do other work meanwhile.`,
  ].join('\n')
}

/** The same for one who asked for the result: shorter each time, and further apart. */
function stillWaiting(
  { world }: { readonly world: World },
  standing: Standing,
  looks: number,
): string {
  const { task, inputs, waiting } = standing
  const since = ago(world.now() - task.createdAt)
  const state = waiting
    ? `Still waiting for the approval of ${approversOf(waiting.asks)}; nothing was executed`
    : Object.keys(inputs).length > 0
      ? 'Still waiting for an answer from the user'
      : 'Still running'
  const progress = task.status ?? task.progress?.message
  const said = progress === undefined ? '' : ` ${progress}`
  if (looks > LOOKS_MAX) {
    return `${state} (${since}).${said} Stop polling in this turn: tell the user that request ${task.id} is still open, and go on with other work.`
  }
  return `${state} (${since}).${said} Next useful check: in about ${ago(looks * MINUTE_MS)}, with ${OWN_TOOLS.result} and id "${task.id}".`
}

/** What nobody knows is said as what nobody knows. */
export const unknownOutcome = ({ task, errand }: Standing): string =>
  [
    `Unknown outcome. The action was sent at ${clock(task.createdAt)} and the connection broke before an answer. It may have happened.`,
    `Request: ${task.id} (${calledAs(errand)})`,
    'Do not repeat it. A person has to check what happened and settle this request; tell the user so.',
    `After that, ${OWN_TOOLS.result} with id "${task.id}" returns what was found.`,
  ].join('\n')

export function wasCancelled({ task, errand, isUnsent = false }: Standing): string {
  const done = isUnsent
    ? 'It waited for approval, which is withdrawn: nothing was executed.'
    : 'Parts of it may have been done before.'
  return `Cancelled. Request ${task.id} (${calledAs(errand)}) was stopped: ${task.error?.message ?? 'no reason was given.'} ${done}`
}

/** What a client without tasks is told of a task that has no result. */
export function wordsFor(
  rooms: { readonly world: World; readonly looks: Looks },
  { params }: Pick<Asked, 'params'>,
  told: { readonly standing: Standing; readonly isRepeated: boolean },
): JsonObject {
  const { standing, isRepeated } = told
  if (standing.ended === 'cancelled') return inWords(wasCancelled(standing), true)
  if (standing.task.state === 'unknown') return inWords(unknownOutcome(standing), true)
  if (textAt(params, 'name') !== OWN_TOOLS.result) {
    const { waiting } = standing
    return inWords(
      waiting
        ? waitingForPeople(standing, waiting, isRepeated)
        : stillRunning(standing, isRepeated),
    )
  }
  return inWords(stillWaiting(rooms, standing, rooms.looks.count(standing.task.id)))
}

const LOOKED_MAX = 10_000

/** How often a task was looked at in vain, so that a model can be told to leave it alone. */
export class Looks {
  readonly #looks = new Map<string, number>()

  /** Counts one more look. */
  count(task: string): number {
    const looks = (this.#looks.get(task) ?? 0) + 1
    if (this.#looks.size >= LOOKED_MAX) this.#looks.clear()
    this.#looks.set(task, looks)
    return looks
  }
}

/** One line of a list of requests. */
export function inOneLine(standing: Standing, now: number): string {
  const { task, errand, inputs, waiting, ended } = standing
  const since = ago(now - task.createdAt)
  const state =
    ended === 'cancelled'
      ? 'cancelled'
      : ended
        ? `finished; fetch it with ${OWN_TOOLS.result}`
        : task.state === 'unknown'
          ? 'unknown outcome; a person has to settle it; do not repeat it'
          : waiting
            ? `waiting for the approval of ${approversOf(waiting.asks)}; nothing was executed`
            : Object.keys(inputs).length > 0
              ? 'waiting for an answer from the user'
              : `running for ${since}`
  return `${task.id}: ${calledAs(errand)}: ${state}`
}
