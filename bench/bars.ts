/** One bar: what fast means. */
export interface Bar {
  readonly name: string
  readonly bar: string
  readonly measured: string
  readonly met: boolean
  /** By how much it is missed, in words; undefined where it is met. */
  readonly missedBy?: string
}

/** A bar with its verdict: missed when `missed` is above zero, by what `missedBy` says of that. */
export const judged = (
  bar: Omit<Bar, 'met' | 'missedBy'>,
  missed: number,
  missedBy: (missed: number) => string,
): Bar => (missed > 0 ? { ...bar, met: false, missedBy: missedBy(missed) } : { ...bar, met: true })

export const barRows = (bars: readonly Bar[]): readonly (readonly string[])[] => [
  ['', 'bar', 'measured', 'met'],
  ...bars.map(({ name, bar, measured, met, missedBy }) => [
    name,
    bar,
    measured,
    met ? 'yes' : `no, by ${missedBy ?? ''}`,
  ]),
]
