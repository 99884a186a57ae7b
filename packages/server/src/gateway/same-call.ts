import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import type { ToolRule } from '#registry'
import type { Asked } from './asked.ts'
import { likenessOf, type CarryRooms, type Fare } from './carry.ts'
import type { CallRooms } from './call.ts'

/** What the operator decided about the tool a call names; nothing for what is no tool. */
export function ruleOf(
  { rules }: Pick<CallRooms, 'rules'>,
  { method, view, params }: Asked,
): ToolRule {
  const found = method === 'tools/call' ? view.find('tool', textAt(params, 'name')) : undefined
  return found ? rules(found.server, found.name) : {}
}

/** The open task that this call is the same as: impatient clients and models call again. */
export function sameCall(rooms: CarryRooms, { who, asked }: Fare): string | undefined {
  return rooms.desk.hasOpen ? rooms.desk.alike(likenessOf(rooms, who, asked)) : undefined
}

const RUN = 'dev.countersign/run'
const RUN_CHARS_MAX = 128
/** W3C Trace Context §3.2: version, trace id, parent id, flags. */
const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/

/** The run a request belongs to: its own handle, else the trace it is part of. */
export function runOf(params: JsonObject | undefined): string | undefined {
  const meta = params && own(params, '_meta')
  if (!isObject(meta)) return undefined
  const handle = textAt(meta, RUN)
  if (handle !== '') {
    const short = handle.slice(0, RUN_CHARS_MAX).toWellFormed()
    // oxlint-disable-next-line no-control-regex -- What is a name must be one line.
    return short.replaceAll(/[\u0000-\u001F\u007F]/g, ' ')
  }
  return TRACEPARENT.exec(textAt(meta, 'traceparent'))?.[1]
}
