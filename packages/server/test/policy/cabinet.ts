// A server over stdio with notes to read, write and delete; each effect leaves a line in a file. What
// stands in another file is how it describes its tools: it says so with the next call after a change.

import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [file = ''] = process.argv.slice(-1)
const inputSchema = { type: 'object', properties: { path: { type: 'string' } } }
const TOOLS = [
  { name: 'read_note', inputSchema, annotations: { readOnlyHint: true } },
  {
    name: 'write_note',
    inputSchema,
    annotations: { destructiveHint: false, idempotentHint: true },
  },
  { name: 'delete_note', inputSchema },
  { name: 'wipe', inputSchema },
]
const RESOURCES = ['public', 'private'].map((name) => ({ uri: `note://${name}`, name }))
const PROMPTS = [{ name: 'greeting' }, { name: 'farewell' }]

const descriptions = `${file}.description`
let told = ''
const described = (): string =>
  existsSync(descriptions) ? readFileSync(descriptions, 'utf8').trim() : ''

type Params = Readonly<Record<string, unknown>>

const ANSWERS: Readonly<Record<string, (params: Params) => object>> = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, prompts: {} },
    serverInfo: { name: 'cabinet', version: '0' },
  }),
  ping: () => ({}),
  'resources/subscribe': () => ({}),
  'tools/list': () => {
    told = described()
    return { tools: TOOLS.map((one) => (told === '' ? one : { ...one, description: told })) }
  },
  'resources/list': () => ({ resources: RESOURCES }),
  'resources/templates/list': () => ({ resourceTemplates: [] }),
  'prompts/list': () => ({ prompts: PROMPTS }),
  'tools/call': ({ name }) => {
    appendFileSync(file, `${String(name)}\n`)
    if (described() !== told) send({ method: 'notifications/tools/list_changed' })
    return { content: [{ type: 'text', text: `${String(name)} done` }] }
  },
  'resources/read': ({ uri }) => ({ contents: [{ uri, text: 'words' }] }),
  'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }] }),
}

const send = (message: object): void => {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params = {} } = JSON.parse(line)
  if (id === undefined) return
  const answer = ANSWERS[method]
  const said = answer
    ? { result: answer(params) }
    : { error: { code: -32601, message: 'no such method' } }
  send({ id, ...said })
})
