/** What the dialects of model APIs have in common: what a client sends, and what a model answers. */

export type Json = Readonly<Record<string, unknown>>

/** A tool as the client offers it to its model. */
export interface OfferedTool {
  readonly name: string
  readonly description: string
  readonly schema: Json
}

/** The result of an earlier call as the model is given it. */
export interface GivenResult {
  /** All its text, as near to what the model reads as the dialect lets us come. */
  readonly text: string
  /** The whole part of the request, for what is not text. */
  readonly raw: unknown
}

/** What a dialect finds in one request of the client to its model. */
export interface Turn {
  readonly tools: readonly OfferedTool[]
  /** Results of all calls of the conversation so far, oldest first. */
  readonly results: readonly GivenResult[]
}

/** What the scripted model answers: one call, or words that end the conversation. */
export type Reply =
  | { readonly kind: 'call'; readonly name: string; readonly arguments: Json }
  | { readonly kind: 'words'; readonly text: string }

export interface Answered {
  readonly type: 'application/json' | 'text/event-stream'
  readonly body: string
}

/** One API that clients speak to models. */
export interface Dialect {
  /** True when a request to this path is of this dialect. */
  readonly owns: (path: string) => boolean
  readonly read: (body: Json) => Turn
  /** `number` makes the ids of an answer its own. */
  readonly write: (reply: Reply, body: Json, number: number) => Answered
}

export const list = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.filter(isJson) : []

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const json = (value: unknown): Json => (isJson(value) ? value : {})

export const words = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Text of a message that is a string, or parts with a `text` each. */
export const textOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : list(content)
        .map((part) => words(part['text']))
        .join('\n')

/** Server-sent events; `named` where the dialect repeats the type as the event's name. */
export const events = (all: readonly Json[], named = false): Answered => ({
  type: 'text/event-stream',
  body: all
    .map((event) => {
      const name = named ? `event: ${words(event['type'])}\n` : ''
      return `${name}data: ${JSON.stringify(event)}\n\n`
    })
    .join(''),
})

export const document = (value: Json): Answered => ({
  type: 'application/json',
  body: JSON.stringify(value),
})
