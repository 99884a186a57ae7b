import { FAULTS } from '@countersign/contract'

/** What MCP calls its methods. Whatever else a client sends is `_OTHER`: its text is its own. */
const METHODS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'subscriptions/listen',
  'logging/setLevel',
  'completion/complete',
  ...['get', 'list', 'templates/list', 'read', 'subscribe', 'unsubscribe'].flatMap((verb) =>
    ['prompts', 'resources'].map((noun) => `${noun}/${verb}`),
  ),
  'tools/list',
  'tools/call',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/update',
  'tasks/cancel',
])

const OTHER = '_OTHER'

export const methodOf = (method: string): string => (METHODS.has(method) ? method : OTHER)

const SPOKEN = [-32700, -32600, -32601, -32602, -32603, -32000, -32001, -32002, -32042]
/** Codes of JSON-RPC, of MCP and of ours. A server may answer with any number. */
const CODES: ReadonlySet<number> = new Set([
  ...SPOKEN,
  ...Object.values(FAULTS).map(({ rpc }) => rpc),
])

const codeOf = (code: number): string => (CODES.has(code) ? String(code) : OTHER)

/** Why something failed, as one of few words. */
export function reasonOf(reason: string): string {
  if (Object.hasOwn(FAULTS, reason) || reason === 'mismatch') return reason
  return codeOf(Number(reason))
}

/** What went wrong with a request, in the words of the conventions; undefined when nothing did. */
export function errorOf(answered: {
  readonly fault?: string | undefined
  readonly error?: number | undefined
  readonly isToolError?: boolean | undefined
}): string | undefined {
  const { fault, error, isToolError } = answered
  if (error !== undefined) return codeOf(error)
  if (fault !== undefined) return reasonOf(fault)
  return isToolError === true ? 'tool_error' : undefined
}

/** Names of tools as labels: the first so many have one of their own, the rest share one. */
export class ToolLabels {
  readonly #max: number
  readonly #known = new Set<string>()

  constructor(max: number) {
    this.#max = max
  }

  of(server: string, tool: string): string {
    const key = `${server} ${tool}`
    if (this.#known.has(key)) return tool
    if (this.#known.size >= this.#max) return 'other'
    this.#known.add(key)
    return tool
  }
}
