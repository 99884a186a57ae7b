import type { Readable, Writable } from 'node:stream'
import type { World } from '#base'
import { printable } from './printable.ts'

/** Where text is shown: a terminal, or a pipe or file that gets plain lines. */
export type Screen = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** What a command may touch: the terminal it runs in, and the machine behind `world`. */
export interface Io {
  readonly world: World
  readonly cwd: string
  readonly home: string
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Screen
  readonly stderr: Screen
}

export const print = (io: Io, text: string): void => {
  io.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

export const printJson = (io: Io, value: unknown): void => {
  io.stdout.write(`${jsonLine(value)}\n`)
}

/** JSON leaves DEL and the C1 controls as they are, and terminals obey those too. */
export const jsonLine = (value: unknown): string => printable(JSON.stringify(value))

/** Lines up the columns of a table, whose cells may come from others; the last column is not padded. */
export function table(given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(printable))
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
