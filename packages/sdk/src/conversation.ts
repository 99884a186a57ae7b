/**
 * Questions of one call. The protocol is stateless: each round of a call starts afresh and brings the
 * latest answers; earlier ones travel with the client, signed, and are bound to this very call.
 */
import { createHash, randomBytes } from 'node:crypto'
import { canonical } from '@countersign/contract'
import {
  createRequestStateCodec,
  inputRequired,
  inputResponse,
  type InputRequest,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server'
import type { Context } from './context.ts'
import { unsealTask } from './tasks/task-state.ts'

/** Thrown by `ask` to end a round; never leaves this package. */
class Pause {
  readonly key: string
  readonly request: InputRequest
  constructor(key: string, request: InputRequest) {
    this.key = key
    this.request = request
  }
}

interface State {
  readonly call: string
  readonly given: Readonly<Record<string, unknown>>
}

/** For this process only: a call that waits for an answer does not survive its server. */
const codec = createRequestStateCodec<State>({ key: randomBytes(32) })

/** For the options of `McpServer`: refuses state that was not minted here, and names no task. */
export const verifyState = async (state: string, context: ServerContext): Promise<State | string> =>
  unsealTask(state) === undefined ? await codec.verify(state, context) : state

export interface Conversation {
  readonly ask: Context['ask']
  /** The question a round ended with, if that is what `thrown` means. */
  readonly pausedBy: (thrown: unknown) => Promise<InputRequiredResult | undefined>
}

export function converse(name: string, args: unknown, { mcpReq }: ServerContext): Conversation {
  const call = createHash('sha256')
    .update(canonical([name, args]))
    .digest('base64url')
  const state = mcpReq.requestState<State | string>()
  const earlier = typeof state === 'object' && state.call === call ? state.given : {}
  const given = { ...earlier, ...mcpReq.inputResponses }
  return {
    ask: async (key, { message, schema }) => {
      const answer = inputResponse(given, key)
      if (answer.kind === 'elicit') {
        if (answer.action !== 'accept') return { action: answer.action }
        const read = await schema.safeParseAsync(answer.content)
        if (read.success) return { action: 'accept', value: read.data }
      }
      throw new Pause(key, inputRequired.elicit({ mode: 'form', message, requestedSchema: schema }))
    },
    pausedBy: async (thrown) => {
      if (!(thrown instanceof Pause)) return undefined
      return inputRequired({
        inputRequests: { [thrown.key]: thrown.request },
        requestState: await codec.mint({ call, given }),
      })
    },
  }
}
