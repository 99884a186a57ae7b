import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import type { ToolRule } from '#registry'
import { traceIdOf } from '#telemetry'
import type { Asked, Whence } from './asked.ts'
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
/** PO-061: the run a request belongs to: its own handle, else the trace it is part of. */
export function runOf(params: JsonObject | undefined, { trace }: Whence): string | undefined {
  const meta = params && own(params, '_meta')
  const handle = isObject(meta) ? textAt(meta, RUN) : ''
  if (handle !== '') {
    const short = handle.slice(0, RUN_CHARS_MAX).toWellFormed()
    // oxlint-disable-next-line no-control-regex -- What is a name must be one line.
    return short.replaceAll(/[\u0000-\u001F\u007F]/g, ' ')
  }
  return trace && traceIdOf(trace)
}
