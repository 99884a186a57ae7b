import { Fault, isObject, own, textAt, type JsonObject } from '@countersign/contract'
import type { Principal } from '#auth'
import type { World } from '#base'
import type { Desk, Standing } from '#tasks'
import type { Asked } from './asked.ts'
import { inOneLine, inWords, OWN_TOOLS, unknownOutcome, wasCancelled } from './words.ts'

export interface OwnRooms {
  readonly world: World
  readonly desk: Desk
}

/** What one of our tools says, or which task has to be waited for before anything can be said. */
export type OwnAnswer =
  | { readonly kind: 'said'; readonly result: JsonObject }
  | { readonly kind: 'wait'; readonly id: string; readonly holdMs: number }

const NAMES: ReadonlySet<string> = new Set(Object.values(OWN_TOOLS))

export const isOwnTool = ({ method, params }: Pick<Asked, 'method' | 'params'>): boolean =>
  method === 'tools/call' && NAMES.has(textAt(params, 'name'))

const ID = { type: 'string', description: 'The id that the answer of the slow call gave.' }
/** Claude Code loads tools on demand; these must be there when an answer speaks of them. */
const ALWAYS = { 'anthropic/alwaysLoad': true }
const WAIT_S_MAX = 40
const WAIT_S = 20

/** The tools that we add for clients without tasks: what they promise is all a model may know of us. */
export const OWN_DEFINITIONS: readonly JsonObject[] = [
  {
    name: OWN_TOOLS.result,
    title: 'Result of a slow call',
    description:
      'Returns the result of a tool call that answered with a request id instead of a result. Waits up to wait_seconds for it. Never runs anything: calling it twice is safe. If it says that the request is still running, do other work first; do not call it in a tight loop, and do not call the original tool again.',
    inputSchema: {
      type: 'object',
      properties: {
        id: ID,
        wait_seconds: {
          type: 'number',
          description: 'How long to wait for it, 0 to 40.',
          minimum: 0,
          maximum: WAIT_S_MAX,
          default: WAIT_S,
        },
      },
      required: ['id'],
    },
    annotations: {
      readOnlyHint: true,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    },
    _meta: ALWAYS,
  },
  {
    name: OWN_TOOLS.pending,
    title: 'My open requests',
    description:
      'Lists your tool calls that have not been answered yet, and those that ended in the last hour, with their request ids.',
    inputSchema: { type: 'object', properties: {} },
    annotations: {
      readOnlyHint: true,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    },
    _meta: ALWAYS,
  },
  {
    name: OWN_TOOLS.cancel,
    title: 'Cancel a slow call',
    description:
      'Stops a tool call that answered with a request id and is still running. What it has done so far is not undone.',
    inputSchema: { type: 'object', properties: { id: ID }, required: ['id'] },
    annotations: {
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    },
    _meta: ALWAYS,
  },
]

/** Answers a call of one of our own tools. Nothing of it reaches a server. */
export async function ownTool(
  rooms: OwnRooms,
  who: Principal,
  { params }: Asked,
): Promise<OwnAnswer> {
  const given = own(params, 'arguments')
  const args = isObject(given) ? given : {}
  const name = textAt(params, 'name')
  if (name === OWN_TOOLS.pending) return said(inWords(await pending(rooms, who)))
  const id = textAt(args, 'id')
  const standing = id === '' ? undefined : await rooms.desk.find(who.id, id)
  if (!standing) return said(inWords(noSuch(id), true))
  const { ended, task, errand } = standing
  if (ended === 'cancelled') rooms.desk.delivered(errand, id)
  if (name === OWN_TOOLS.result) {
    if (ended === 'cancelled') return said(inWords(wasCancelled(standing), true))
    return { kind: 'wait', id, holdMs: task.state === 'unknown' ? 0 : waitMs(args) }
  }
  if (ended === 'cancelled') return said(inWords(wasCancelled(standing)))
  if (ended) return said(inWords(IS_OVER))
  if (task.state === 'unknown') return said(inWords(unknownOutcome(standing), true))
  return said(inWords(await cancel(rooms, who, standing)))
}

const IS_OVER = 'This request is over already; there was nothing to cancel.'

async function cancel({ desk }: OwnRooms, who: Principal, standing: Standing): Promise<string> {
  try {
    return wasCancelled(await desk.cancel(standing, who.id, 'It was cancelled by its client.'))
  } catch (thrown) {
    if (!(thrown instanceof Fault && thrown.code === 'task/illegal')) throw thrown
    // It came to its end in this very moment, one way or another.
    const now = await desk.find(who.id, standing.task.id)
    return now?.task.state === 'unknown' ? unknownOutcome(now) : IS_OVER
  }
}

const said = (result: JsonObject): OwnAnswer => ({ kind: 'said', result })

function waitMs(args: JsonObject): number {
  const seconds = own(args, 'wait_seconds')
  const given = typeof seconds === 'number' && Number.isFinite(seconds) ? seconds : WAIT_S
  return Math.round(Math.min(WAIT_S_MAX, Math.max(0, given)) * 1_000)
}

const noSuch = (id: string): string =>
  `There is no request "${id.slice(0, 80)}" of yours. It may have expired. Call ${OWN_TOOLS.pending} to see the ones there are.`

const SHOWN_MAX = 50
const RECENT_MS = 3_600_000

async function pending({ desk, world }: OwnRooms, who: Principal): Promise<string> {
  const mine = { owner: who.id, limit: SHOWN_MAX }
  const open = await desk.list({ ...mine, states: ['working', 'waiting', 'unknown'] })
  const over = await desk.list({ ...mine, states: ['completed', 'failed'] })
  const now = world.now()
  const recent = over.standings.filter(({ task }) => now - task.updatedAt < RECENT_MS)
  const shown = [...open.standings, ...recent].slice(0, SHOWN_MAX)
  if (shown.length === 0) return 'No request of yours is open.'
  return shown.map((one) => inOneLine(one, now)).join('\n')
}
