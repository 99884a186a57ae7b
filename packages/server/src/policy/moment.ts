/** A moment in the words of policies, in one time zone. */
export interface Moment {
  /** RFC 3339, with milliseconds. */
  readonly at: string
  readonly date: string
  /** `mon` to `sun`. */
  readonly weekday: string
  readonly hour: number
  readonly minute: number
}

const MINUTE_MS = 60_000

/** Tells the time of a zone such as `Europe/Vienna`; throws for one that does not exist. */
export function clockOf(timeZone: string): (at: number) => Moment {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  })
  let minute = Number.NaN
  let kept: Omit<Moment, 'at'> | undefined
  return (at) => {
    // Formatting costs more than a decision, and changes once a minute.
    const now = Math.floor(at / MINUTE_MS)
    if (kept === undefined || now !== minute) {
      const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
      const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? ''
      minute = now
      kept = {
        date: `${part('year')}-${part('month')}-${part('day')}`,
        weekday: part('weekday').toLowerCase(),
        hour: Number(part('hour')),
        minute: Number(part('minute')),
      }
    }
    return { at: new Date(at).toISOString(), ...kept }
  }
}
