/** The bytes of the bench: what is asked, what is answered, in both protocol eras. */

const MODERN = '2026-07-28'
const LEGACY = '2025-11-25'

/** A right answer holds this text; a refusal or an error does not. */
export const MARK = 'bench-found-it'

/** Two tools alike but for what a repeat of them would do. */
export const READ_TOOL = 'look'
export const WRITE_TOOL = 'store'

// A call of everyday size: some 250 bytes of arguments, 1 KiB of text in the answer.
const ARGUMENTS = {
  path: 'reports/2026/third-quarter/summary.md',
  query: 'revenue by region, without the one-time effects of the second quarter',
  limit: 20,
  sections: ['summary', 'tables', 'appendix'],
  options: { caseSensitive: false, context: 3, format: 'markdown' },
}
const TEXT_CHARS = 1_024
const TEXT = `${MARK} ${'All work and no play makes a dull benchmark. '.repeat(40)}`.slice(
  0,
  TEXT_CHARS,
)

const META = 'io.modelcontextprotocol'
const SERVER_INFO = { name: 'bench-upstream', version: '1.0.0' }
const CLIENT_INFO = { name: 'bench-load', version: '1.0.0' }

export const CONTENT = [{ type: 'text', text: TEXT }]
export const MODERN_META = { [`${META}/serverInfo`]: SERVER_INFO }

const inputSchema = {
  type: 'object',
  properties: {
    path: { type: 'string' },
    query: { type: 'string' },
    limit: { type: 'integer' },
    sections: { type: 'array', items: { type: 'string' } },
    options: { type: 'object' },
  },
  required: ['path', 'query'],
}

export const TOOLS = [
  {
    name: READ_TOOL,
    description: 'Finds what is asked for.',
    inputSchema,
    annotations: { readOnlyHint: true },
  },
  {
    name: WRITE_TOOL,
    description: 'Writes what is given.',
    inputSchema,
    annotations: { readOnlyHint: false, destructiveHint: false },
  },
]

export const DISCOVERED = {
  supportedVersions: [MODERN],
  capabilities: { tools: {} },
  ttlMs: 3_600_000,
  cacheScope: 'private',
}

export const INITIALIZED = {
  protocolVersion: LEGACY,
  capabilities: { tools: {} },
  serverInfo: SERVER_INFO,
}

/** One request, encoded once. */
export interface Encoded {
  readonly headers: readonly string[]
  readonly body: string
}

const JSON_HEADERS = [
  'content-type',
  'application/json',
  'accept',
  'application/json, text/event-stream',
]

export function modernCall(tool: string): Encoded {
  const meta = {
    [`${META}/protocolVersion`]: MODERN,
    [`${META}/clientInfo`]: CLIENT_INFO,
    [`${META}/clientCapabilities`]: {},
  }
  const params = { name: tool, arguments: ARGUMENTS, _meta: meta }
  return {
    headers: [
      ...JSON_HEADERS,
      'mcp-protocol-version',
      MODERN,
      'mcp-method',
      'tools/call',
      'mcp-name',
      tool,
    ],
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  }
}

/** A call inside a session; the session id is added by whoever has one. */
export function legacyCall(tool: string): Encoded {
  const params = { name: tool, arguments: ARGUMENTS }
  return {
    headers: [...JSON_HEADERS, 'mcp-protocol-version', LEGACY],
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  }
}

export function legacyOpening(): { readonly initialize: Encoded; readonly initialized: Encoded } {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT_INFO }
  const notice = { jsonrpc: '2.0', method: 'notifications/initialized' }
  return {
    initialize: {
      headers: JSON_HEADERS,
      body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
    },
    initialized: {
      headers: [...JSON_HEADERS, 'mcp-protocol-version', LEGACY],
      body: JSON.stringify(notice),
    },
  }
}
