/** Sections, cut into passages of a size that reads well in an answer. */

/** A heading and what stands below it. */
export interface Section {
  readonly heading: string
  readonly text: string
}

/** A part of a section: what one search result shows. */
export type Passage = Section

const CHARS_MAX = 800
const SENTENCES = new Intl.Segmenter('en', { granularity: 'sentence' })

/** Cuts between sentences; a sentence longer than a passage is one of its own. */
export function split(sections: readonly Section[]): readonly Passage[] {
  return sections.flatMap(({ heading, text }) => {
    const texts: string[] = []
    let current = ''
    for (const { segment } of SENTENCES.segment(text)) {
      if (current !== '' && current.length + segment.length > CHARS_MAX) {
        texts.push(current)
        current = ''
      }
      current += segment
    }
    texts.push(current)
    return texts
      .map((part) => part.replaceAll(/\s+/g, ' ').trim())
      .filter((part) => part !== '')
      .map((part) => ({ heading, text: part }))
  })
}
