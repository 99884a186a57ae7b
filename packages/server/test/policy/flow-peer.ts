// Three servers in one program: the web, which strangers write, customers, and mail. What arrives leaves a
// line in a file. `answer` in the arguments of a call is what it answers, and `says` what it says before:
// both as JSON in base64, so that what they hold shows nowhere else.

import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const text = { type: 'string' }
const inputSchema = { type: 'object', properties: { to: text, text, answer: text, says: text } }
const TOOLS: Readonly<Record<string, readonly object[]>> = {
  web: [{ name: 'fetch', inputSchema, annotations: { readOnlyHint: true } }],
  crm: [{ name: 'find', inputSchema, annotations: { readOnlyHint: true, openWorldHint: false } }],
  mail: [{ name: 'send', inputSchema, annotations: { destructiveHint: false } }],
}

/** A token of the form of real ones, where it is no text. */
const NOTE = Buffer.from('see ghp_aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0eFZz9Z').toString('base64')

interface Message {
  readonly id?: number | string
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
}

interface Given {
  readonly answer?: string
  readonly says?: string
}

const decoded = (said: string) => JSON.parse(Buffer.from(said, 'base64').toString())

/** The answer to one message; undefined for a notification. */
export function answerTo(name: string, effects: string, { id, method, params = {} }: Message) {
  if (id === undefined) return undefined
  const result = resultOf(name, effects, method ?? '', params)
  if (result && 'error' in result) return { jsonrpc: '2.0', id, ...result }
  return result
    ? { jsonrpc: '2.0', id, result }
    : { jsonrpc: '2.0', id, error: { code: -32_601, message: 'no such method' } }
}

function resultOf(
  name: string,
  effects: string,
  method: string,
  params: NonNullable<Message['params']>,
): object | undefined {
  if (method === 'ping' || method === 'logging/setLevel') return {}
  if (method === 'initialize') {
    const serverInfo = { name, version: '0' }
    return {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {}, resources: {}, logging: {} },
      serverInfo,
    }
  }
  if (method === 'tools/list') return { tools: TOOLS[name] }
  if (method === 'resources/list') return { resources: [{ uri: `note://${name}`, name }] }
  if (method === 'resources/read') {
    appendFileSync(effects, `${name}/read ${String(params['uri'])}\n`)
    return { contents: [{ uri: params['uri'], text: Buffer.from(NOTE, 'base64').toString() }] }
  }
  if (method === 'resources/templates/list') {
    return { resourceTemplates: [{ uriTemplate: `note://${name}/{id}`, name }] }
  }
  if (method === 'prompts/list') return { prompts: [] }
  if (method !== 'tools/call') return undefined
  const given = params['arguments'] ?? {}
  appendFileSync(effects, `${name}/${String(params['name'])} ${JSON.stringify(given)}\n`)
  const { answer } = given as Given
  if (answer === undefined)
    return { content: [{ type: 'text', text: `${String(params['name'])} done` }] }
  return decoded(answer)
}

interface Saying {
  readonly id?: string
  readonly method: string
  readonly params: object
}

/** The server over stdio: calls that ask something wait for the answer. */
function serve(name: string, effects: string): void {
  const write = (said: object): void => {
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...said })}\n`)
  }
  const waiting: Message[] = []
  const answer = (message: Message): void => {
    const said = answerTo(name, effects, message)
    if (said) write(said)
  }
  const take = (message: Message & { readonly result?: unknown }): void => {
    if (message.method === undefined) {
      appendFileSync(effects, `${name}/answered ${JSON.stringify(message.result ?? 'nothing')}\n`)
      answer(waiting.shift() ?? {})
      return
    }
    const all = sayingsIn(message)
    for (const one of all) write(one)
    if (all.some(({ id }) => id !== undefined)) waiting.push(message)
    else answer(message)
  }
  createInterface({ input: process.stdin }).on('line', (line) => {
    take(JSON.parse(line))
  })
}

/** What it says before it answers; progress only to whoever wants to hear of it. */
function sayingsIn({ params = {} }: Message): readonly Saying[] {
  const { says } = (params['arguments'] ?? {}) as Given
  const { progressToken } = (params['_meta'] ?? {}) as { readonly progressToken?: unknown }
  const all: readonly Saying[] = says === undefined ? [] : decoded(says)
  return all.flatMap((one) => {
    if (one.method !== 'notifications/progress') return [one]
    return progressToken === undefined ? [] : [{ ...one, params: { ...one.params, progressToken } }]
  })
}

if (import.meta.main) serve(process.argv[2] ?? '', process.argv[3] ?? '')
