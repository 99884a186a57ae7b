/**
 * Everything that is told, by name. The names of MCP are those of the OpenTelemetry conventions for
 * generative AI (open-telemetry/semantic-conventions-genai, docs/gen-ai/mcp.md at 0393513, status
 * Development); the others are those of the semantic conventions, and ours below `countersign.`.
 */
export const CONVENTIONS = {
  general: '1.41.1',
  mcp: 'open-telemetry/semantic-conventions-genai@0393513',
  schemaUrl: 'https://opentelemetry.io/schemas/1.41.0',
} as const

/** The kinds of spans, and how each is named. */
export const SPANS = {
  server: '{mcp.method.name} {gen_ai.tool.name|gen_ai.prompt.name}',
  call: 'call {countersign.server} {gen_ai.tool.name|gen_ai.prompt.name}',
  client: '{mcp.method.name} {gen_ai.tool.name|gen_ai.prompt.name}',
} as const

/** The attributes of spans. What is not in here is not told. */
export const ATTRIBUTES = {
  method: 'mcp.method.name',
  revision: 'mcp.protocol.version',
  session: 'mcp.session.id',
  requestId: 'jsonrpc.request.id',
  statusCode: 'rpc.response.status_code',
  errorType: 'error.type',
  operation: 'gen_ai.operation.name',
  tool: 'gen_ai.tool.name',
  prompt: 'gen_ai.prompt.name',
  transport: 'network.transport',
  protocol: 'network.protocol.name',
  clientAddress: 'client.address',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  call: 'countersign.call.id',
  server: 'countersign.server',
  view: 'countersign.view',
  effect: 'countersign.effect',
  decision: 'countersign.decision',
  outcome: 'countersign.outcome',
  round: 'countersign.round',
  fault: 'countersign.fault',
} as const

interface Metric {
  readonly name: string
  readonly kind: 'counter' | 'histogram' | 'gauge'
  readonly unit: string
  readonly says: string
  /** The names of its labels; every one has few values. */
  readonly labels: readonly string[]
}

const { method, revision, statusCode, errorType, operation, tool, prompt } = ATTRIBUTES
const { transport, protocol, server, effect, decision, outcome, fault } = ATTRIBUTES
const OPERATION = [method, revision, statusCode, errorType, operation, tool, prompt, transport]

/** The buckets that the conventions ask for, in seconds. */
export const DURATION_BUCKETS = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300,
] as const

const metric = (
  name: string,
  kind: Metric['kind'],
  unit: string,
  says: string,
  labels: readonly string[] = [],
): Metric => ({ name, kind, unit, says, labels })

/** What is counted and measured as it happens. */
export const MEASURED = {
  serverDuration: metric(
    'mcp.server.operation.duration',
    'histogram',
    's',
    'How long requests of clients took until they were answered.',
    [...OPERATION, protocol, server],
  ),
  clientDuration: metric(
    'mcp.client.operation.duration',
    'histogram',
    's',
    'How long servers took to answer our requests.',
    [...OPERATION, protocol, server],
  ),
  calls: metric('countersign.calls', 'counter', '{call}', 'Governed calls that are over.', [
    server,
    tool,
    method,
    effect,
    outcome,
    decision,
    fault,
  ]),
  callDuration: metric(
    'countersign.call.duration',
    'histogram',
    's',
    'How long governed calls took, with judging and recording.',
    [server, tool, outcome],
  ),
  decisions: metric('countersign.decisions', 'counter', '{decision}', 'What policies decided.', [
    server,
    decision,
  ]),
  refusals: metric(
    'countersign.refusals',
    'counter',
    '{request}',
    'Requests that were answered with a fault.',
    [fault],
  ),
  events: metric('countersign.events', 'counter', '{entry}', 'Entries of the ledger, by kind.', [
    'countersign.kind',
  ]),
  undelivered: metric(
    'countersign.telemetry.dropped',
    'counter',
    '{item}',
    'Spans, metrics and log lines that the collector did not take.',
    ['countersign.signal'],
  ),
} as const satisfies Readonly<Record<string, Metric>>

const gauge = (name: string, unit: string, says: string, label?: string): Metric =>
  metric(name, 'gauge', unit, says, label === undefined ? [] : [label])

/** What is looked up when somebody asks. */
export const WATCHED = {
  approvalsOpen: gauge('countersign.approvals.open', '{approval}', 'Approvals that wait.'),
  approvalsAge: gauge(
    'countersign.approvals.oldest.age',
    's',
    'How long the oldest open approval has waited.',
  ),
  tasks: gauge('countersign.tasks', '{task}', 'Tasks that are not over.', 'countersign.state'),
  brakes: gauge('countersign.brakes', '{brake}', 'Brakes that are on.'),
  brakesAge: gauge('countersign.brakes.oldest.age', 's', 'How long the oldest brake has been on.'),
  ledgerEntries: gauge('countersign.ledger.entries', '{entry}', 'Entries that are signed for.'),
  ledgerUnsigned: gauge(
    'countersign.ledger.unsigned',
    '{entry}',
    'Entries on disk that no checkpoint covers.',
  ),
  checkpointAge: gauge(
    'countersign.ledger.checkpoint.age',
    's',
    'How long entries have waited for a checkpoint; 0 when none waits.',
  ),
  ledgerOwed: gauge(
    'countersign.ledger.owed',
    '{entry}',
    'Entries that could not be written when they happened.',
  ),
  upstreamUp: gauge(
    'countersign.upstream.up',
    '1',
    'Whether a server can be used: 1 is connected, or not needed at present; 0 is out of reach.',
    server,
  ),
  upstreamRestarts: gauge(
    'countersign.upstream.restarts',
    '{restart}',
    'How often the connection to a server was made anew.',
    server,
  ),
  upstreamInFlight: gauge(
    'countersign.upstream.in_flight',
    '{request}',
    'Requests that a server has not answered.',
    server,
  ),
  sessions: gauge('countersign.sessions.open', '{session}', 'Sessions of clients in memory.'),
  streams: gauge(
    'countersign.streams.open',
    '{stream}',
    'Streams that wait for news: of MCP clients, and of those who follow events.',
    'countersign.of',
  ),
  feedLag: gauge(
    'countersign.feeds.lag',
    '{entry}',
    'Entries that a webhook or export has not been told.',
    'countersign.feed',
  ),
  deadLetters: gauge('countersign.feeds.dead_letters', '{delivery}', 'Deliveries given up.'),
  loopDelay: gauge(
    'nodejs.eventloop.delay.p99',
    's',
    'How late the event loop was, 99th percentile since the last look.',
  ),
  loopDelayMax: gauge('nodejs.eventloop.delay.max', 's', 'How late the event loop was at most.'),
  memory: gauge('process.memory.usage', 'By', 'Resident memory.'),
  build: gauge(
    'countersign.build',
    '1',
    'Always 1: which Countersign runs.',
    'countersign.version',
  ),
} as const satisfies Readonly<Record<string, Metric>>

export type Watched = keyof typeof WATCHED
