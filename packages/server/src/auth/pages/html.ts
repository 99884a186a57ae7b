/** Text that is HTML already. Only `html` makes it: whatever else comes into a page is escaped. */
export class Html {
  readonly #text: string
  constructor(strings: readonly string[], parts: readonly Part[]) {
    this.#text = strings
      .map((text, at) => (at === 0 ? text : `${textOf(parts[at - 1])}${text}`))
      .join('')
  }
  toString(): string {
    return this.#text
  }
}

/** What may stand in a template; `undefined` and `false` are nothing. */
export type Part = Html | string | number | undefined | false | readonly Part[]

/** A template of a page. Values in attributes need the quotes around them. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(strings, parts)

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.toString()
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  return part.map(textOf).join('')
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Marks that turn the direction of writing can make one host look like another. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Cf}]/gu

const escaped = (text: string): string =>
  text.replaceAll(INVISIBLE, '\uFFFD').replaceAll(/[&<>"']/g, (mark) => ESCAPES[mark] ?? mark)
