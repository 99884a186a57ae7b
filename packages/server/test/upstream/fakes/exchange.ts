import { isObject, type InputRequest, type JsonObject } from '@countersign/contract'
import type { Exchange, InputAnswer, Reply } from '#upstream'

/** What one call's client heard and was asked. */
export interface Heard {
  readonly progress: JsonObject[]
  readonly logs: JsonObject[]
  readonly asked: InputRequest[]
  readonly completed: string[]
  readonly paused: number[]
  dispatched: number
}

export interface FakeExchange extends Exchange {
  readonly heard: Heard
  /** Resolves when the call has told of its first progress. */
  readonly progressed: Promise<void>
  /** Resolves when the client has been asked something. */
  readonly questioned: Promise<void>
}

/** A client that can be asked everything and answers with `answer`. */
export function makeExchange(
  overrides: Partial<Exchange> & { readonly answer?: InputAnswer } = {},
): FakeExchange {
  const heard: Heard = {
    progress: [],
    logs: [],
    asked: [],
    completed: [],
    paused: [],
    dispatched: 0,
  }
  const progressed = Promise.withResolvers<void>()
  const questioned = Promise.withResolvers<void>()
  const answer = overrides.answer ?? { kind: 'result', result: { action: 'decline' } }
  return {
    owner: 'somebody',
    capabilities: {
      elicitation: { form: {}, url: {} },
      sampling: { tools: {}, context: {} },
      roots: {},
    },
    clientInfo: undefined,
    wantsProgress: false,
    logLevel: undefined,
    signal: new AbortController().signal,
    progress: (params) => {
      heard.progress.push(params)
      progressed.resolve()
    },
    log: (params) => heard.logs.push(params),
    ask: async (request) => {
      heard.asked.push(request)
      questioned.resolve()
      return answer
    },
    elicitationComplete: (id) => heard.completed.push(id),
    undeclared: () => undefined,
    paused: (retryMs) => heard.paused.push(retryMs),
    dispatched: () => heard.dispatched++,
    ...overrides,
    heard,
    progressed: progressed.promise,
    questioned: questioned.promise,
  }
}

export const callTool = (name: string, args: JsonObject = {}) =>
  ({ method: 'tools/call', params: { name, arguments: args } }) as const

/** The first text of a result; the whole reply when there is none. */
export function textOf(reply: Reply): unknown {
  const content = reply.kind === 'result' ? reply.result['content'] : undefined
  const [first] = Array.isArray(content) ? content : []
  return isObject(first) ? first['text'] : reply
}
