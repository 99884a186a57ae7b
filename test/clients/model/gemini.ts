import { document, events, json, list, words, type Dialect, type Json } from './wire.ts'

const partsOf = (contents: unknown): readonly Json[] =>
  list(contents).flatMap((content) => list(content['parts']))

/** `response` is an object: `{ output }` when all went well, `{ error }` when not. */
function resultText(part: Json): string {
  const response = json(json(part['functionResponse'])['response'])
  return words(response['output']) || words(response['error']) || JSON.stringify(response)
}

/** Google's Gemini API, as Gemini CLI speaks it. */
export const gemini: Dialect = {
  owns: (path) => /\/models\/[^/]+:(?:streamG|g)enerateContent$/.test(path),
  read: (body) => ({
    tools: list(body['tools'])
      .flatMap((tool) => list(tool['functionDeclarations']))
      .map((tool) => ({
        name: words(tool['name']),
        description: words(tool['description']),
        schema: json(tool['parametersJsonSchema'] ?? tool['parameters']),
      })),
    results: partsOf(body['contents'])
      .filter((part) => 'functionResponse' in part)
      .map((raw) => ({ text: resultText(raw), raw })),
  }),
  write: (reply, body, number) => {
    const part =
      reply.kind === 'call'
        ? {
            functionCall: { id: `call_${String(number)}`, name: reply.name, args: reply.arguments },
          }
        : { text: reply.text }
    const answer = {
      candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    }
    return isStreamed(body) ? events([answer]) : document(answer)
  },
}

/** The path says it; `model.ts` writes it where the other dialects have it. */
const isStreamed = (body: Json): boolean => body['stream'] === true
