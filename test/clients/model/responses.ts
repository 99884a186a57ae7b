import {
  document,
  events,
  json,
  list,
  textOf,
  words,
  type Dialect,
  type Json,
  type OfferedTool,
  type Reply,
} from './wire.ts'

/** Tools may come in namespaces; a call then names both. Written `namespace|tool` in a `Reply`. */
const SEPARATOR = '|'

const offered = (tool: Json, prefix = ''): readonly OfferedTool[] =>
  tool['type'] === 'namespace'
    ? list(tool['tools']).flatMap((inner) => offered(inner, `${words(tool['name'])}${SEPARATOR}`))
    : [
        {
          name: `${prefix}${words(tool['name'] ?? tool['type'])}`,
          description: words(tool['description']),
          schema: json(tool['parameters']),
        },
      ]

/** OpenAI's Responses API, as Codex speaks it. */
export const responses: Dialect = {
  owns: (path) => path.endsWith('/responses'),
  read: (body) => {
    const outputs = list(body['input']).filter(({ type }) => type === 'function_call_output')
    return {
      tools: list(body['tools']).flatMap((tool) => offered(tool)),
      results: outputs.map((raw) => ({ text: textOf(raw['output']), raw })),
    }
  },
  write: (reply, body, number) => {
    const item = itemOf(reply, number)
    const response = {
      id: `resp_${String(number)}`,
      object: 'response',
      status: 'completed',
      model: body['model'],
      output: [item],
      usage: {
        input_tokens: 1,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 1,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 2,
      },
    }
    if (body['stream'] !== true) return document(response)
    const created = { ...response, status: 'in_progress', output: [] }
    const all = [
      { type: 'response.created', response: created },
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response },
    ]
    return events(
      all.map((event, sequence_number) => ({ ...event, sequence_number })),
      true,
    )
  },
}

function itemOf(reply: Reply, number: number): Json {
  if (reply.kind === 'words') {
    const content = [{ type: 'output_text', text: reply.text, annotations: [] }]
    const id = `msg_${String(number)}`
    return { type: 'message', id, role: 'assistant', status: 'completed', content }
  }
  const [name = '', namespace] = reply.name.split(SEPARATOR).toReversed()
  return {
    type: 'function_call',
    id: `fc_${String(number)}`,
    call_id: `call_${String(number)}`,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    arguments: JSON.stringify(reply.arguments),
    status: 'completed',
  }
}
