// What both peers offer, whatever era they speak.

export type Words = {
  content: { type: 'text'; text: string }[]
  structuredContent?: Record<string, unknown>
}
export const text = (words: string): Words => ({ content: [{ type: 'text', text: words }] })

/** What happened to this peer, oldest first; its tool `seen` tells. */
export const seen: string[] = []
/** The names of its tools, in the order in which they came to be. */
export const offered: string[] = []

export const ASKED_FORM = {
  message: 'Who is there?',
  requestedSchema: {
    type: 'object' as const,
    properties: { name: { type: 'string' as const } },
    required: ['name'],
  },
}
export const CONFIRM_URL = { message: 'Confirm there.', url: 'https://peer.example/confirm' }
export const NEEDED_URL = { message: 'Sign in there.', url: 'https://peer.example/sign-in' }
export const ASKED_SAMPLE = {
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Capital?' } }],
  maxTokens: 10,
}

export const structured = (isModern: boolean): Words => {
  const words = ['one', 'two']
  const structuredContent = (isModern ? words : { words }) as Record<string, unknown>
  return { content: [{ type: 'text', text: JSON.stringify(words) }], structuredContent }
}

export const RESOURCES = [{ uri: 'peer://doc', name: 'doc', mimeType: 'text/plain' }]
export const TEMPLATES = [{ uriTemplate: 'peer://item/{id}', name: 'item' }]

export const readAt = (uri: string): { uri: string; text: string }[] | undefined => {
  if (uri === 'peer://doc') return [{ uri, text: 'the document' }]
  const item = /^peer:\/\/item\/(\w+)$/.exec(uri)?.[1]
  return item === undefined ? undefined : [{ uri, text: `item ${item}` }]
}

export const PROMPTS = [{ name: 'hello', description: 'Greets', arguments: [{ name: 'who' }] }]

export const promptOf = (args: Readonly<Record<string, string>> | undefined) => ({
  messages: [
    {
      role: 'user' as const,
      content: { type: 'text' as const, text: `Hello, ${args?.['who'] ?? '?'}!` },
    },
  ],
})

interface Completing {
  readonly ref: { readonly type: string; readonly name?: string; readonly uri?: string }
  readonly argument: { readonly value: string }
  readonly context?:
    | { readonly arguments?: Readonly<Record<string, string>> | undefined }
    | undefined
}

/** Shows what of the request arrived: the reference in the peer's own words, and the context. */
export const completionOf = ({ ref, argument, context }: Completing) => {
  const about = ref.name ?? ref.uri ?? ''
  const values = [`${about} ${argument.value}`, ...Object.values(context?.arguments ?? {})]
  return { completion: { values, total: values.length, hasMore: false } }
}
