import { document, events, json, list, textOf, words, type Dialect } from './wire.ts'

/** OpenAI's Chat Completions, as opencode speaks them to a provider of one's own. */
export const chat: Dialect = {
  owns: (path) => path.endsWith('/chat/completions'),
  read: (body) => {
    return {
      tools: list(body['tools']).map((tool) => {
        const { name, description, parameters } = json(tool['function'])
        return { name: words(name), description: words(description), schema: json(parameters) }
      }),
      results: list(body['messages'])
        .filter(({ role }) => role === 'tool')
        .map((raw) => ({ text: textOf(raw['content']), raw })),
    }
  },
  write: (reply, body, number) => {
    const calls =
      reply.kind === 'call'
        ? [
            {
              index: 0,
              id: `call_${String(number)}`,
              type: 'function',
              function: { name: reply.name, arguments: JSON.stringify(reply.arguments) },
            },
          ]
        : undefined
    const message = {
      role: 'assistant',
      content: reply.kind === 'words' ? reply.text : '',
      ...(calls ? { tool_calls: calls } : {}),
    }
    const finish_reason = calls ? 'tool_calls' : 'stop'
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
    const base = { id: `chat_${String(number)}`, created: 0, model: body['model'] }
    if (body['stream'] !== true) {
      const choices = [{ index: 0, message, finish_reason }]
      return document({ ...base, object: 'chat.completion', choices, usage })
    }
    const chunk = { ...base, object: 'chat.completion.chunk' }
    const { type, body: all } = events([
      { ...chunk, choices: [{ index: 0, delta: message, finish_reason: null }] },
      { ...chunk, choices: [{ index: 0, delta: {}, finish_reason }], usage },
    ])
    return { type, body: `${all}data: [DONE]\n\n` }
  },
}
