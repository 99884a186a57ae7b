import { clockOf } from '../moment.ts'

/** How long a budget is for: a length of time, or a day, week or month of the calendar. */
export type Span =
  | { readonly kind: 'length'; readonly ms: number }
  | { readonly kind: 'calendar'; readonly unit: CalendarUnit; readonly timeZone: string }

export const CALENDAR_UNITS = ['day', 'week', 'month'] as const
type CalendarUnit = (typeof CALENDAR_UNITS)[number]

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Weeks are counted from a Monday: the fourth day after the epoch. */
const MONDAY_MS = 4 * DAY_MS
/** Longer than any unit, with an hour that clocks are put back. */
const LONGEST_MS = 32 * DAY_MS

/** When the span that a moment is in ends; both in milliseconds since the epoch. */
export function spanEnds(span: Span): (now: number) => number {
  if (span.kind === 'length') return (now) => (Math.floor(now / span.ms) + 1) * span.ms
  const momentAt = clockOf(span.timeZone)
  const part = PARTS[span.unit]
  const partAt = (at: number): string => part(momentAt(at).date)
  return (now) => {
    // Days of a calendar have 23 to 25 hours: the first moment of another part is looked for.
    const current = partAt(now)
    let [inside, outside] = [now, now + LONGEST_MS]
    while (outside - inside > 1) {
      const middle = Math.floor((inside + outside) / 2)
      if (partAt(middle) === current) inside = middle
      else outside = middle
    }
    return outside
  }
}

const PARTS: Readonly<Record<CalendarUnit, (date: string) => string>> = {
  day: (date) => date,
  week: (date) => String(Math.floor((Date.parse(`${date}T00:00:00Z`) - MONDAY_MS) / (7 * DAY_MS))),
  month: (date) => date.slice(0, 'YYYY-MM'.length),
}

/** As in "500 calls a day". */
export function spanInWords(span: Span): string {
  if (span.kind === 'calendar') return `a ${span.unit}`
  return `in ${lengthInWords(span.ms)}`
}

const UNITS = [
  ['day', DAY_MS],
  ['hour', HOUR_MS],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** In the largest unit that it is a whole number of. */
export function lengthInWords(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, size]) => ms >= size && ms % size === 0) ?? [
    'second',
    1_000,
  ]
  const count = Math.ceil(ms / unitMs)
  return `${String(count)} ${unit}${count === 1 ? '' : 's'}`
}
