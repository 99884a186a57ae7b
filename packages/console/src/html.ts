/** HTML as text: everything that comes from outside is escaped, because nothing else can be put in. */

/** Text that is HTML already. Only `html` makes it, so only what was escaped is in it. */
export class Html {
  readonly #text: string
  private constructor(text: string) {
    this.#text = text
  }
  static of(strings: TemplateStringsArray, values: readonly Value[]): Html {
    return new Html(strings.map((text, at) => text + textOf(values[at] ?? '')).join(''))
  }
  toString(): string {
    return this.#text
  }
}

type Value = string | number | Html | readonly Html[]

/** A template of HTML: values are escaped, unless they are HTML made by another such template. */
export const html = (strings: TemplateStringsArray, ...values: readonly Value[]): Html =>
  Html.of(strings, values)

function textOf(value: Value): string {
  if (value instanceof Html) return value.toString()
  return typeof value === 'object' ? value.map(String).join('') : escape(String(value))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escape = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (found) => ENTITIES[found] ?? '')
