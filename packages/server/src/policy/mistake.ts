/** One thing to correct in a folder of policies. */
export interface PolicyMistake {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The id of the policy, where it has one. */
  readonly policy?: string
  readonly problem: string
  readonly remedy?: string
}

export const sayMistake = ({
  file,
  line,
  column,
  policy,
  problem,
  remedy,
}: PolicyMistake): string =>
  `${file}:${String(line)}:${String(column)}${policy === undefined ? '' : `  ${policy}`}  ${problem}${remedy === undefined ? '' : `  (${remedy})`}`

/** A place in a text, as people count: from one. */
export function placeOf(
  text: string,
  at: number,
): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at)
  const start = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: at - start + 1 }
}

/** Cedar counts bytes, and we count characters. */
export const charAt = (text: string, byte: number): number =>
  Buffer.from(text).subarray(0, byte).toString().length
