/** A client with the manners of a measured one: small, and honest about what its model would see. */
import { isJson, json, list, type Json } from '../model/wire.ts'
import { openEra, type Era } from './era.ts'
import type { Manners, ToolResult } from './manners.ts'
import { request, type Answer, type Asked, type Line, type Told } from './request.ts'

/** What came of one call, as the client sees it. */
export type Seen =
  /** `text` is what its model reads. */
  | {
      readonly kind: 'shown'
      readonly text: string
      readonly result: ToolResult
      readonly told: Told
    }
  | { readonly kind: 'failed' | 'gave up'; readonly text: string; readonly told: Told }

export interface StandIn extends Disposable {
  readonly era: Era['name']
  readonly tools: () => Promise<readonly Json[]>
  readonly call: (tool: string, args?: Json) => Promise<Seen>
}

export interface Situation {
  readonly url: URL
  /** How many times faster its clocks run than those of the client it stands for. */
  readonly speed: number
  /** What a person at the client says when asked; without one, nobody is there. */
  readonly says?: Json
}

export async function connect(manners: Manners, situation: Situation): Promise<StandIn> {
  const { url, speed, says = { action: 'cancel' } } = situation
  const era = await openEra(url, manners)
  const leaving = new AbortController()
  let last = 0
  const nextId = (): number => (last += 1)
  const line: Line = { url, era, manners, speed, nextId, leaving: leaving.signal }
  const tools = async (): Promise<readonly Json[]> => {
    const { message } = await request(line, { method: 'tools/list', params: {} })
    return list(json(message?.['result'])['tools'])
  }
  return {
    era: era.name,
    tools,
    call: async (name, args = {}) => {
      const params = { name, arguments: { ...args, ...manners.adds } }
      const asked = { method: 'tools/call', params }
      const { message, told } = await converse(line, asked, says)
      if (!message) return { kind: 'gave up', text: 'The request timed out.', told }
      const { result } = message
      if (!isResult(result)) return { kind: 'failed', text: JSON.stringify(message['error']), told }
      const text = read(manners, result, isPromised(await tools(), name))
      return { kind: 'shown', text, result, told }
    },
    [Symbol.dispose]: () => leaving.abort(),
  }
}

const isResult = (value: unknown): value is ToolResult =>
  isJson(value) && Array.isArray(value['content'])

const isPromised = (tools: readonly Json[], name: string): boolean =>
  tools.find((tool) => tool['name'] === name)?.['outputSchema'] !== undefined

/** What SDK clients do to a result that does not keep what the tool's definition promises. */
function read(manners: Manners, result: ToolResult, isStructurePromised: boolean): string {
  const isBroken =
    isStructurePromised && result.structuredContent === undefined && result.isError !== true
  return manners.holdsToOutputSchema && isBroken
    ? 'The tool has an output schema but did not return structured content.'
    : manners.shows(result)
}

/** A modern call may take several rounds: each question is answered, and the call sent again. */
async function converse(line: Line, asked: Asked, says: Json): Promise<Answer> {
  const answer = await request(line, asked)
  const result = json(answer.message?.['result'])
  if (result['resultType'] !== 'input_required') return answer
  const questions = Object.keys(json(result['inputRequests']))
  const inputResponses = Object.fromEntries(questions.map((key) => [key, says]))
  const params = { ...asked.params, inputResponses, requestState: result['requestState'] }
  return converse(line, { ...asked, params }, says)
}
