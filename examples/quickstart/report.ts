/** Ten small studies of a folder of texts: what the quickstart's slow tool writes its report from. */
export interface Text {
  readonly name: string
  readonly text: string
}

interface Section {
  readonly title: string
  readonly write: (texts: readonly Text[]) => string
}

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}']+/gu) ?? []
const linesOf = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line.trim() !== '')
const list = (items: readonly string[]): string =>
  items.length === 0 ? 'None.' : items.map((item) => `- ${item}`).join('\n')
const each = (texts: readonly Text[], say: (text: string) => string): string =>
  list(texts.map(({ name, text }) => `${name}: ${say(text)}`))
const perMinute = 200

/** The most frequent ones first, equals in the order of the alphabet. */
function frequent(words: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts]
    .toSorted(([a, left], [b, right]) => right - left || a.localeCompare(b))
    .map(([word, count]) => `${word} (${String(count)})`)
}

export const SECTIONS: readonly Section[] = [
  { title: 'Files', write: (texts) => each(texts, (text) => `${String(text.length)} characters`) },
  { title: 'Lines', write: (texts) => each(texts, (text) => String(linesOf(text).length)) },
  { title: 'Words', write: (texts) => each(texts, (text) => String(wordsOf(text).length)) },
  {
    title: 'Vocabulary',
    write: (texts) => each(texts, (text) => `${String(new Set(wordsOf(text)).size)} words`),
  },
  {
    title: 'Frequent words',
    write: (texts) => list(frequent(texts.flatMap(({ text }) => wordsOf(text))).slice(0, 5)),
  },
  {
    title: 'Longest words',
    write: (texts) => {
      const words = new Set(texts.flatMap(({ text }) => wordsOf(text)))
      return list([...words].toSorted((a, b) => b.length - a.length).slice(0, 5))
    },
  },
  {
    title: 'Headings',
    write: (texts) => list(texts.flatMap(({ text }) => text.match(/^#+ .+$/gm) ?? [])),
  },
  {
    title: 'Longest lines',
    write: (texts) =>
      each(texts, (text) => linesOf(text).reduce((a, b) => (b.length > a.length ? b : a), '')),
  },
  {
    title: 'Numbers',
    write: (texts) => list(texts.flatMap(({ text }) => text.match(/\d[\d:.,-]*\d|\d/g) ?? [])),
  },
  {
    title: 'Time to read',
    write: (texts) => {
      const words = texts.flatMap(({ text }) => wordsOf(text)).length
      return `${String(Math.max(1, Math.round(words / perMinute)))} min for ${String(words)} words.`
    },
  },
]
