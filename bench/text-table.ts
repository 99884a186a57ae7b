/** Rows as people read them: on a terminal, and in Markdown. The first row holds the titles. */

type Rows = readonly (readonly string[])[]

/** Columns lined up with spaces: the first to the left, numbers to the right. */
export function textTable(rows: Rows): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function markdownTable(rows: Rows): string {
  const [titles = [], ...rest] = rows
  const rule = titles.map((_, at) => (at === 0 ? '---' : '---:'))
  return [titles, rule, ...rest]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

/** A number with so many digits after the point and commas between thousands; a dash for NaN. */
export const number = (value: number | undefined, digits = 0): string =>
  value === undefined || Number.isNaN(value)
    ? '–'
    : value.toLocaleString('en-US', {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      })

export const times = (ratio: number | undefined): string =>
  ratio === undefined || Number.isNaN(ratio) ? '–' : `${ratio.toFixed(2)}×`
