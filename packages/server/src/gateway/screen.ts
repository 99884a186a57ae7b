import { isObject, textAt, type JsonObject } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { Redaction, Screened, Screening } from '#redaction'
import type { Asked } from './asked.ts'
import type { Case } from './judge-approved.ts'
import { isOwnTool } from './own-tools.ts'

export interface ScreenRooms {
  readonly redaction: Redaction
}

const KINDS = {
  'tools/call': 'tool',
  'prompts/get': 'prompt',
  'resources/read': 'resource',
} as const

/**
 * The same call with what must not go on covered, before anything of it is judged, hashed, written down
 * or sent: what is not in here is nowhere (PO-071, PO-072).
 */
export function screenedIn({ redaction }: ScreenRooms, asked: Asked): Asked {
  if (!redaction.isOn || isOwnTool(asked)) return asked
  const about = screeningOf(asked)
  const { params, round } = asked
  const { uri, ref, ...rest } = params
  const given = redaction.inward(about, rest)
  const named = redaction.inward(about, {
    ...(uri === undefined ? {} : { uri }),
    ...(ref === undefined ? {} : { ref }),
  })
  const { inputResponses } = round
  const answered = inputResponses && redaction.inward(about, inputResponses)
  const all = [given, named, ...(answered ? [answered] : [])]
  const found = summed(all)
  if (Object.keys(found).length === 0) return asked
  // With part of it covered an address is another: it is kept so, and leads nowhere.
  const unnamed = named.done === 'record' ? [] : Object.keys(named.found)
  const blocked = [...new Set([...all.flatMap((one) => one.blocked), ...unnamed])].toSorted()
  return {
    ...asked,
    params: { ...given.value, ...kept(params), ...named.value },
    round: answered ? { ...round, inputResponses: answered.value } : round,
    run: runCovered(redaction, about, asked.run),
    screened: { found, blocked, done: blocked.length > 0 ? 'block' : given.done },
  }
}

/** The handle of a run is text of its client, and told in entries: in `_meta` it was counted. */
function runCovered(
  redaction: Redaction,
  about: Screening,
  run: string | undefined,
): string | undefined {
  return run === undefined ? run : textAt(redaction.inward(about, { run }).value, 'run')
}

/** Whether an address holds what must not be sent: it leads nowhere then, and nobody is subscribed to it. */
export function isCovered({ redaction }: ScreenRooms, about: Screening, uri: string): boolean {
  return redaction.isOn && redaction.inward(about, { uri }).done !== 'record'
}

/** What is too much to be looked at is not kept; which tool it was for is. */
const kept = ({ name }: JsonObject): JsonObject => (name === undefined ? {} : { name })

function screeningOf({ view, method, params }: Asked): Screening {
  const [kind, name] =
    method === 'completion/complete' ? referredIn(params) : namedIn(method, params)
  const found = view.find(kind, name)
  return { server: found?.server ?? '', name: found?.name }
}

const namedIn = (method: keyof typeof KINDS, params: JsonObject) =>
  [KINDS[method], textAt(params, method === 'resources/read' ? 'uri' : 'name')] as const

function referredIn({ ref }: JsonObject) {
  const given = isObject(ref) ? ref : {}
  return textAt(given, 'type') === 'ref/prompt'
    ? (['prompt', textAt(given, 'name')] as const)
    : (['template', textAt(given, 'uri')] as const)
}

export const summed = (
  all: readonly Pick<Screened, 'found'>[],
): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const { found } of all) {
    for (const [kind, count] of Object.entries(found)) counts[kind] = (counts[kind] ?? 0) + count
  }
  return counts
}

/** PO-074: kinds and how often, for the ledger; never what it was. */
export async function noteScreenedIn(
  ledger: Pick<Ledger, 'note'>,
  { who, target }: Case,
  { call, screened }: Asked,
): Promise<void> {
  if (!screened) return
  const { found, done } = screened
  const { server, name } = target
  await ledger.note('call.screened', {
    call,
    principal: who.id,
    server,
    name,
    direction: 'in',
    found: { ...found },
    done,
  })
}

/** What an agent is told: which kind, never what, and what to do instead. */
export const heldBack = (blocked: readonly string[], server: string): string =>
  blocked.includes('unseen')
    ? `Nothing was executed: this call is too large, or nested too deeply, to be looked at for secrets before it goes to ${server}. Send less at a time.`
    : `Nothing was executed: the call holds what must not be sent to ${server} (${blocked.join(', ')}). Leave it out, or say where it is kept instead. The same call will be refused again.`

/** The same for what came back: it has happened. */
export const keptBack = (blocked: readonly string[]): string =>
  blocked.includes('unseen')
    ? 'It was carried out, but its result is not shown: it is too large, or nested too deeply, to be looked at for secrets. Do not repeat it for what it does; if it only reads, ask for less at a time.'
    : `It was carried out, but its result is not shown: it holds what must not be shown here (${blocked.join(', ')}). Do not repeat it. Tell the user.`
