import type { clockOf } from '#policy'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const HOURS =
  /^(?:(mon|tue|wed|thu|fri|sat|sun)(?:-(mon|tue|wed|thu|fri|sat|sun))? )?([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)$/

/** Hours of the week, such as `mon-fri 08:00-18:00`; undefined for what is none. */
export function hoursIn(text: string): Hours | undefined {
  const [, first, last = first, ...clock] = HOURS.exec(text.trim().toLowerCase()) ?? []
  if (clock.length === 0) return undefined
  const [fromHour, fromMinute, toHour, toMinute] = clock.map(Number)
  const at = DAYS.findIndex((day) => day === first)
  const end = DAYS.findIndex((day) => day === last)
  const count = at === -1 ? DAYS.length : ((end - at + DAYS.length) % DAYS.length) + 1
  const days = DAYS.map((_, step) => DAYS[(Math.max(at, 0) + step) % DAYS.length] ?? '')
  return {
    days: days.slice(0, count),
    from: Number(fromHour) * 60 + Number(fromMinute),
    to: Number(toHour) * 60 + Number(toMinute),
  }
}

interface Hours {
  readonly days: readonly string[]
  /** Minutes of the day; when it ends before it begins, it goes on past midnight. */
  readonly from: number
  readonly to: number
}

type Moment = ReturnType<ReturnType<typeof clockOf>>

/** Whether a moment is in them. The day is the day of the moment. */
export function isInHours({ days, from, to }: Hours, { weekday, hour, minute }: Moment): boolean {
  if (!days.includes(weekday)) return false
  const now = hour * 60 + minute
  return from <= to ? now >= from && now < to : now >= from || now < to
}
