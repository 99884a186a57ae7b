import type { Html } from './html.ts'

/** Why a page cannot be shown, in words for whoever sits in front of the browser. */
export class PageRefusal extends Error {
  override readonly name = 'PageRefusal'
  readonly status: number
  readonly title: string
  /** What to do now. */
  readonly more: Html | undefined

  constructor(
    status: number,
    said: { readonly title: string; readonly words: string; readonly more?: Html },
    options?: ErrorOptions,
  ) {
    super(said.words, options)
    this.status = status
    this.title = said.title
    this.more = said.more
  }
}

export const outOfDate = (): PageRefusal =>
  new PageRefusal(400, {
    title: 'This page is out of date',
    words:
      'It was open for too long, or cookies are blocked. Go back, load it again, and try once more.',
  })
