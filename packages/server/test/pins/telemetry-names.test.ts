// The names that dashboards, alerts and queries of others are made of. A change here breaks them: say so.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ATTRIBUTES,
  CONVENTIONS,
  DURATION_BUCKETS,
  MEASURED,
  SPANS,
  WATCHED,
} from '../../src/telemetry/otel/names.ts'

const rowsOf = (table: typeof MEASURED | typeof WATCHED): readonly string[] =>
  Object.values(table).map(
    ({ name, kind, unit, labels }) => `${name} ${kind} ${unit} [${labels.join(' ')}]`,
  )

test('The conventions that are followed (TE-004)', () => {
  assert.deepEqual(CONVENTIONS, {
    general: '1.41.1',
    mcp: 'open-telemetry/semantic-conventions-genai@0393513',
    schemaUrl: 'https://opentelemetry.io/schemas/1.41.0',
  })
})

test('Spans and their attributes (TE-004)', () => {
  assert.deepEqual(SPANS, {
    server: '{mcp.method.name} {gen_ai.tool.name|gen_ai.prompt.name}',
    call: 'call {countersign.server} {gen_ai.tool.name|gen_ai.prompt.name}',
    client: '{mcp.method.name} {gen_ai.tool.name|gen_ai.prompt.name}',
  })
  assert.deepEqual(Object.values(ATTRIBUTES), [
    'mcp.method.name',
    'mcp.protocol.version',
    'mcp.session.id',
    'jsonrpc.request.id',
    'rpc.response.status_code',
    'error.type',
    'gen_ai.operation.name',
    'gen_ai.tool.name',
    'gen_ai.prompt.name',
    'network.transport',
    'network.protocol.name',
    'client.address',
    'server.address',
    'server.port',
    'countersign.call.id',
    'countersign.server',
    'countersign.view',
    'countersign.effect',
    'countersign.decision',
    'countersign.outcome',
    'countersign.round',
    'countersign.fault',
  ])
})

test('Figures, their units and their labels (TE-012)', () => {
  assert.deepEqual(
    DURATION_BUCKETS,
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
  )
  assert.deepEqual(rowsOf(MEASURED), [
    'mcp.server.operation.duration histogram s [mcp.method.name mcp.protocol.version rpc.response.status_code error.type gen_ai.operation.name gen_ai.tool.name gen_ai.prompt.name network.transport network.protocol.name countersign.server]',
    'mcp.client.operation.duration histogram s [mcp.method.name mcp.protocol.version rpc.response.status_code error.type gen_ai.operation.name gen_ai.tool.name gen_ai.prompt.name network.transport network.protocol.name countersign.server]',
    'countersign.calls counter {call} [countersign.server gen_ai.tool.name mcp.method.name countersign.effect countersign.outcome countersign.decision countersign.fault]',
    'countersign.call.duration histogram s [countersign.server gen_ai.tool.name countersign.outcome]',
    'countersign.decisions counter {decision} [countersign.server countersign.decision]',
    'countersign.refusals counter {request} [countersign.fault]',
    'countersign.events counter {entry} [countersign.kind]',
    'countersign.telemetry.dropped counter {item} [countersign.signal]',
  ])
  assert.deepEqual(rowsOf(WATCHED), [
    'countersign.approvals.open gauge {approval} []',
    'countersign.approvals.oldest.age gauge s []',
    'countersign.tasks gauge {task} [countersign.state]',
    'countersign.brakes gauge {brake} []',
    'countersign.brakes.oldest.age gauge s []',
    'countersign.ledger.entries gauge {entry} []',
    'countersign.ledger.unsigned gauge {entry} []',
    'countersign.ledger.checkpoint.age gauge s []',
    'countersign.ledger.owed gauge {entry} []',
    'countersign.upstream.up gauge 1 [countersign.server]',
    'countersign.upstream.restarts gauge {restart} [countersign.server]',
    'countersign.upstream.in_flight gauge {request} [countersign.server]',
    'countersign.sessions.open gauge {session} []',
    'countersign.streams.open gauge {stream} [countersign.of]',
    'countersign.feeds.lag gauge {entry} [countersign.feed]',
    'countersign.feeds.dead_letters gauge {delivery} []',
    'nodejs.eventloop.delay.p99 gauge s []',
    'nodejs.eventloop.delay.max gauge s []',
    'process.memory.usage gauge By []',
    'countersign.build gauge 1 [countersign.version]',
  ])
})
