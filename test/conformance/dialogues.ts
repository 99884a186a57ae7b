// What the fixture tools ask, and what they make of the answers. The table knows no era: 2025-11-25
// asks by real requests, 2026-07-28 by input_required results (SEP-2322); a gateway bridges both.

import type { Loose } from './catalogue.ts'

type Choice = { const: string; title: string }
type FormProperty = { description?: string } & (
  | { type: 'string'; default?: string }
  | { type: 'string'; enum: string[]; enumNames?: string[]; default?: string }
  | { type: 'string'; oneOf: Choice[] }
  | { type: 'number' | 'integer'; default?: number }
  | { type: 'boolean'; default?: boolean }
  | { type: 'array'; items: { type: 'string'; enum: string[] } }
  | { type: 'array'; items: { anyOf: Choice[] } }
)
type Form = {
  message: string
  requestedSchema: {
    type: 'object'
    properties: Record<string, FormProperty>
    required?: string[]
  }
}
type Sample = {
  messages: { role: 'user'; content: { type: 'text'; text: string } }[]
  maxTokens: number
}
export type Ask =
  | { method: 'elicitation/create'; params: Form }
  | { method: 'sampling/createMessage'; params: Sample }
  | { method: 'roots/list' }

export type Asks = Readonly<Record<string, Ask>>
type Answers = Readonly<Record<string, unknown>>
type Capabilities = { elicitation?: unknown; sampling?: unknown; roots?: unknown }

export type Dialogue = {
  rounds: (args: Loose, capabilities: Capabilities) => readonly Asks[]
  /** The first round carries sealed state, and answers without it count for nothing. */
  sealed?: true
  /** How long it takes before it asks, and after it was answered. */
  takes?: { beforeMs?: number; afterMs?: number }
  conclude: (answers: Answers) => string
}

const elicit = (message: string, properties: Form['requestedSchema']['properties']): Ask => ({
  method: 'elicitation/create',
  params: {
    message,
    requestedSchema: { type: 'object', properties, required: Object.keys(properties) },
  },
})

/** A form in which nothing is required. */
const offer = (message: string, properties: Form['requestedSchema']['properties']): Ask => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties } },
})

const sample = (question: string, maxTokens: number): Ask => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: question } }], maxTokens },
})

const WORD: FormProperty = { type: 'string' }
const userName = elicit('What is your name?', { name: WORD })
const confirm = elicit('Please confirm', { ok: { type: 'boolean' } })
const greeting = sample('Generate a greeting', 50)
const roots: Ask = { method: 'roots/list' }

// SEP-1034: a default for each primitive type.
const defaults = offer('Please review the fields', {
  name: { type: 'string', description: 'User name', default: 'John Doe' },
  age: { type: 'integer', description: 'User age', default: 30 },
  score: { type: 'number', description: 'User score', default: 95.5 },
  status: {
    type: 'string',
    description: 'User status',
    enum: ['active', 'inactive', 'pending'],
    default: 'active',
  },
  verified: { type: 'boolean', description: 'Verification status', default: true },
})

const titled = (...titles: string[]): Choice[] =>
  titles.map((title, at) => ({ const: `value${at + 1}`, title }))
const OPTIONS = ['option1', 'option2', 'option3']

// SEP-1330: plain, titled and legacy choices, one and many.
const enums = offer('Please choose', {
  untitledSingle: { type: 'string', enum: OPTIONS },
  titledSingle: { type: 'string', oneOf: titled('First', 'Second', 'Third') },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
  titledMulti: { type: 'array', items: { anyOf: titled('First', 'Second', 'Third') } },
})

export const isLoose = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The string at a name, wherever anything on the way may be missing or of another kind. */
const stringAt = (value: unknown, ...path: string[]): string => {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : ''
}

const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce((inner, key) => (isLoose(inner) ? inner[key] : undefined), value)

const word = (given: Answers, key: string, field: string) => stringAt(given, key, 'content', field)
const said = (given: Answers, key: string) => stringAt(given, key, 'content', 'text')
const replied = (given: Answers, key: string) => {
  const content = JSON.stringify(at(given, key, 'content') ?? {})
  return `action=${stringAt(given, key, 'action')}, content=${content}`
}
const rootUris = (given: Answers, key: string) => {
  const list = at(given, key, 'roots')
  return Array.isArray(list) ? list.map((root) => stringAt(root, 'uri')) : []
}

/** Whether an answer is of the kind the question asked for; anything else is asked again. */
export const answers = (ask: Ask, answer: unknown): boolean => {
  if (!isLoose(answer)) return false
  if (ask.method === 'roots/list') return Array.isArray(answer['roots'])
  if (ask.method === 'sampling/createMessage') return answer['content'] !== undefined
  if (answer['action'] !== 'accept') return typeof answer['action'] === 'string'
  const content = answer['content']
  return (
    isLoose(content) && (ask.params.requestedSchema.required ?? []).every((key) => key in content)
  )
}

const once = (asks: Asks, conclude: Dialogue['conclude']): Dialogue => ({
  rounds: () => [asks],
  conclude,
})

/** Longer than a gateway waits before it makes a task of such a call. */
const A_WHILE_MS = 600
/** Longer than a gateway waits for a call that asks first. */
const LONG_MS = 2_000
const sure = elicit('Are you sure?', { confirm: { type: 'boolean' } })

export const DIALOGUES: Readonly<Record<string, Dialogue>> = {
  test_sampling: {
    rounds: (args) => [{ completion: sample(stringAt(args, 'prompt'), 100) }],
    conclude: (given) => `LLM response: ${said(given, 'completion')}`,
  },
  test_elicitation: {
    rounds: (args) => [
      { user: elicit(stringAt(args, 'message'), { username: WORD, email: WORD }) },
    ],
    conclude: (given) => `User response: ${replied(given, 'user')}`,
  },
  test_elicitation_sep1034_defaults: once(
    { review: defaults },
    (given) => `Elicitation completed: ${replied(given, 'review')}`,
  ),
  test_elicitation_sep1330_enums: once(
    { choices: enums },
    (given) => `Elicitation completed: ${replied(given, 'choices')}`,
  ),
  test_missing_capability: once(
    { reply: sample('Reply with the single word: pong', 16) },
    (given) => `The model replied ${said(given, 'reply')}`,
  ),
  test_streaming_elicitation: once(
    { user_name: userName },
    (given) => `Hello, ${word(given, 'user_name', 'name')}!`,
  ),
  test_input_required_result_elicitation: once(
    { user_name: userName },
    (given) => `Hello, ${word(given, 'user_name', 'name')}!`,
  ),
  test_input_required_result_sampling: once(
    { capital_question: sample('What is the capital of France?', 100) },
    (given) => `Sampling response: ${said(given, 'capital_question')}`,
  ),
  test_input_required_result_list_roots: once(
    { client_roots: roots },
    (given) => `Client roots: ${rootUris(given, 'client_roots').join(', ')}`,
  ),
  test_input_required_result_request_state: {
    ...once({ confirm }, () => 'state-ok: state and confirmation received'),
    sealed: true,
  },
  test_input_required_result_tampered_state: {
    ...once({ confirm }, () => 'integrity-ok: state verified'),
    sealed: true,
  },
  test_input_required_result_multiple_inputs: {
    ...once(
      { user_name: userName, greeting, client_roots: roots },
      (given) =>
        `${said(given, 'greeting')} ${word(given, 'user_name', 'name')}, ` +
        `${rootUris(given, 'client_roots').length} root(s)`,
    ),
    sealed: true,
  },
  test_input_required_result_multi_round: {
    rounds: () => [
      { step1: elicit('Step 1: What is your name?', { name: WORD }) },
      { step2: elicit('Step 2: What is your favorite color?', { color: WORD }) },
    ],
    sealed: true,
    conclude: (given) => `${word(given, 'step1', 'name')} likes ${word(given, 'step2', 'color')}`,
  },
  confirm_delete: {
    ...once({ sure }, (given) => `Confirmed: ${replied(given, 'sure')}`),
    takes: { beforeMs: A_WHILE_MS },
  },
  multi_input: {
    ...once({ user_name: userName, sure }, (given) => {
      return `${word(given, 'user_name', 'name')}: ${replied(given, 'sure')}`
    }),
    takes: { beforeMs: A_WHILE_MS },
  },
  test_tool_with_task: {
    ...once({ user_name: userName }, (given) => `Hello, ${word(given, 'user_name', 'name')}!`),
    takes: { afterMs: LONG_MS },
  },
  test_input_required_result_capabilities: {
    rounds: (_args, { elicitation, sampling, roots: listing }) => {
      const asks = {
        ...(elicitation !== undefined && { user_name: userName }),
        ...(sampling !== undefined && { greeting }),
        ...(listing !== undefined && { client_roots: roots }),
      }
      return Object.keys(asks).length === 0 ? [] : [asks]
    },
    conclude: (given) => `Answered: ${Object.keys(given).join(', ') || 'nothing could be asked'}`,
  },
}

export const PROMPT_DIALOGUES: Readonly<Record<string, Dialogue>> = {
  test_input_required_result_prompt: once(
    { user_context: elicit('What context should the prompt use?', { context: WORD }) },
    (given) => `Use the following context: ${word(given, 'user_context', 'context')}`,
  ),
}
