import { Fault } from '@countersign/contract'

const UNIT_MS: Readonly<Record<string, number>> = {
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const SPAN = /^(\d{1,5}) ?(min|h|d)$/
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?$/

/** A moment as somebody writes it: `7d` from now, or a date, in UTC where it says no zone. */
export function momentIn(text: string, now: number): number {
  const [, count, unit = ''] = SPAN.exec(text) ?? []
  if (count !== undefined) return now + Number(count) * (UNIT_MS[unit] ?? 0)
  const isBare = DATE.test(text) && !/(?:Z|[+-]\d{2}:\d{2})$/.test(text.slice(10))
  const at = DATE.test(text)
    ? Date.parse(text.length > 10 && isBare ? `${text}Z` : text)
    : Number.NaN
  if (Number.isFinite(at)) return at
  throw new Fault('rpc/bad-params', 'a time is one such as 30min, 12h, 7d, or a date: 2026-12-31.')
}

/** A whole number from 1. */
export function countIn(text: string, option: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new Fault('rpc/bad-params', `${option} takes a number from 1.`)
}
