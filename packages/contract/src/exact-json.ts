/** JSON that is carried on: what a double cannot hold keeps the digits it came with. */

/** What V8 offers and the type library does not know yet: the source of a value, and a value of a source. */
interface ExactJson {
  readonly parse: (
    text: string,
    revive: (key: string, value: unknown, context?: { readonly source?: string }) => unknown,
  ) => unknown
  readonly rawJSON: (text: string) => unknown
}

// A number that loses digits has at least sixteen of them, point and sign aside.
const MAY_LOSE = /\d[\d.]{15}/
const DIGITS_SAFE = 15

/**
 * Parses JSON so that writing it again says the same: a number that would come out with other digits
 * is kept as text (`JSON.rawJSON`), an object to whoever looks at it. Everything else is plain.
 *
 * @throws SyntaxError as `JSON.parse` does.
 */
export function parseExactly(text: string): unknown {
  if (!MAY_LOSE.test(text)) return JSON.parse(text)
  const exact: Partial<ExactJson> = JSON
  const { rawJSON } = exact
  if (!rawJSON || !exact.parse) return JSON.parse(text)
  return exact.parse(text, (_key, value, context) =>
    typeof value === 'number' && context?.source !== undefined && losesDigits(value, context.source)
      ? rawJSON(context.source)
      : value,
  )
}

function losesDigits(value: number, source: string): boolean {
  const digits = source
    .replace(/[eE].*$/, '')
    .replaceAll(/[-.]/g, '')
    .replace(/^0+/, '')
  return digits.length > DIGITS_SAFE && Number.isFinite(value) && String(value) !== source
}
