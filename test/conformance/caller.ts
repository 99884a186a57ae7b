// An official client that calls everything a fixture offers and answers whatever it is asked. The
// suite looks at some tools in some eras, and hardly at the answers; a gateway bridges all of them.

import assert from 'node:assert/strict'
import { Client, type Transport } from '@modelcontextprotocol/client'
import { TOOLS } from './catalogue.ts'
import type { Revision } from './legs.ts'

const ARGUMENTS: Readonly<Record<string, Record<string, string>>> = {
  greet: { name: 'Ada' },
  json_schema_2020_12_tool: { contactMethod: 'phone', phone: '1' },
  test_sampling: { prompt: 'Hi' },
  test_elicitation: { message: 'Hi' },
  slow_compute: { label: 'it' },
}

/** What the last text of a tool shows when the client's answer has really reached it. */
const PROOFS: Readonly<Record<string, RegExp>> = {
  greet: /^Hello, Ada!$/,
  test_sampling: /^LLM response: Paris$/,
  test_elicitation: /"username":"Alice".*"email":"Alice"/,
  test_elicitation_sep1034_defaults: /action=accept/,
  test_elicitation_sep1330_enums: /action=accept/,
  test_missing_capability: /Paris/,
  test_input_required_result_elicitation: /^Hello, Alice!$/,
  test_input_required_result_sampling: /Paris/,
  test_input_required_result_list_roots: /file:\/\/\/home\/alice/,
  test_input_required_result_request_state: /state-ok/,
  test_input_required_result_multiple_inputs: /^Paris Alice, 1 root\(s\)$/,
  test_input_required_result_multi_round: /^Alice likes Alice$/,
  test_input_required_result_tampered_state: /integrity-ok/,
  test_input_required_result_capabilities: /user_name, greeting, client_roots/,
  slow_compute: /^computed it$/,
  confirm_delete: /action=accept/,
  multi_input: /^Alice: action=accept/,
  test_tool_with_task: /^Hello, Alice!$/,
}

/** What fails as a tool result; the old SDK lets one of them fail as an error of the protocol. */
const FAILING = ['test_error_handling', 'failing_job', 'protocol_error_job']

export const createCaller = (revision: Revision): Client => {
  const client = new Client(
    { name: 'fixture-test', version: '1.0.0' },
    {
      capabilities: { elicitation: {}, sampling: {}, roots: {} },
      ...(revision === '2026-07-28' && { versionNegotiation: { mode: { pin: revision } } }),
    },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => {
    const required = 'requestedSchema' in params ? (params.requestedSchema.required ?? []) : []
    return {
      action: 'accept',
      content: Object.fromEntries(
        required.map((key) => [key, key === 'ok' || key === 'confirm' ? true : 'Alice']),
      ),
    }
  })
  client.setRequestHandler('sampling/createMessage', () => ({
    model: 'none',
    role: 'assistant',
    content: { type: 'text', text: 'Paris' },
  }))
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///home/alice' }] }))
  return client
}

const lastText = (content: readonly { type: string; text?: string }[]): string =>
  content.findLast(({ type }) => type === 'text')?.text ?? ''

const namesOf = (tools: readonly { name: string }[]): string[] =>
  tools.map(({ name }) => name).toSorted()

/** Calls each tool and the asking prompt once; fails unless each result shows what was answered. */
export const callEverything = async (revision: Revision, transport: Transport): Promise<void> => {
  const client = createCaller(revision)
  await client.connect(transport)
  try {
    const listed = await client.listTools()
    assert.deepEqual(namesOf(listed.tools), namesOf(TOOLS))
    await Promise.all(
      listed.tools.map(async ({ name }) => {
        const called = client.callTool({ name, arguments: ARGUMENTS[name] ?? {} })
        if (name === 'protocol_error_job' && revision === '2025-11-25') {
          await assert.rejects(called, /as it was meant to/)
          return
        }
        const result = await called
        const words = lastText(result.content)
        assert.equal(result.isError ?? false, FAILING.includes(name), `${name}: ${words}`)
        assert.match(words, PROOFS[name] ?? /^/, name)
      }),
    )
    const prompt = await client.getPrompt({ name: 'test_input_required_result_prompt' })
    assert.match(JSON.stringify(prompt.messages), /context: Alice/)
  } finally {
    await client.close()
  }
}
