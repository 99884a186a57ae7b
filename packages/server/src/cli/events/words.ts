import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import { printable } from '../printable.ts'

const WHAT = ['server', 'name', 'tool', 'outcome', 'state', 'verdict', 'by', 'principal', 'reason']

/** One event as a line: its place, when, what, and the little that a reader wants first. */
export function lineOf(event: unknown): string {
  const said: JsonObject = isObject(event) ? event : {}
  const body = objectIn(said, 'body')
  const texts = { ...objectIn(body, 'bound'), ...objectIn(body, 'progress'), ...body }
  const what = WHAT.map((name) => textAt(texts, name)).filter((text) => text !== '')
  const at = Number(own(said, 'at'))
  const time = Number.isFinite(at) ? new Date(at).toISOString() : ''
  const seq = own(said, 'seq')
  const place = (typeof seq === 'number' ? String(seq) : '·').padStart(6)
  const id = textAt(body, 'approval') || textAt(said, 'call') || textAt(body, 'task')
  return printable([place, time, textAt(said, 'kind').padEnd(18), id, ...what].join('  ').trimEnd())
}

function objectIn(body: JsonObject, name: string): JsonObject {
  const value = own(body, name)
  return isObject(value) ? value : {}
}
