import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, TASK_STATUSES, type Json, type JsonObject } from '@countersign/contract'
import fc from 'fast-check'
import { callTool, makeExchange } from '../../test/upstream/fakes/exchange.ts'
import { introduction, makeHop } from '../../test/upstream/fakes/hop.ts'
import { makeLegacyLink } from './legacy-link.ts'
import { makeModernLink } from './modern-link.ts'
import { isViolation, POLL_MS_MAX, readTask } from './read-task.ts'

const wild = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>

/** Answers that are nearly right: the members that count, each right or anything at all. */
const answers = fc.oneof(
  fc.dictionary(fc.string(), wild),
  fc.record(
    {
      resultType: fc.oneof(fc.constantFrom('complete', 'task', 'input_required'), wild),
      taskId: fc.oneof(fc.constant('t'), wild),
      status: fc.oneof(fc.constantFrom(...TASK_STATUSES), wild),
      statusMessage: wild,
      ttl: wild,
      pollInterval: wild,
      pollIntervalMs: wild,
      inputRequests: fc.oneof(
        fc.dictionary(fc.string(), fc.record({ method: fc.constant('roots/list'), params: wild })),
        wild,
      ),
      result: fc.oneof(fc.record({ content: wild, _meta: wild }), wild),
      error: fc.oneof(fc.record({ code: fc.integer(), message: wild }), wild),
      task: fc.oneof(fc.record({ taskId: wild, status: wild }), wild),
      content: wild,
      _meta: wild,
    },
    { requiredKeys: [] },
  ),
) as fc.Arbitrary<JsonObject>

const LINKS = {
  legacy: () => {
    const hop = makeHop()
    const capabilities = { tasks: { requests: { tools: { call: {} } }, cancel: {} } }
    return { hop, link: makeLegacyLink(hop, introduction('legacy', capabilities)) }
  },
  modern: () => {
    const hop = makeHop()
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    return { hop, link: makeModernLink(hop, introduction('modern', capabilities)) }
  },
}

/** What was made of it, unless it was called the server's fault. */
const unlessFaulty = async <T>(said: Promise<T>): Promise<T | undefined> => {
  try {
    return await said
  } catch (thrown) {
    assert.ok(thrown instanceof Fault && thrown.code.startsWith('upstream/'), String(thrown))
    return undefined
  }
}

for (const era of ['legacy', 'modern'] as const) {
  test(`whatever a ${era} server says of a task is understood or its fault`, async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        const { hop, link } = LINKS[era]()
        const exchange = makeExchange({ takesTasks: true })
        const looked = unlessFaulty(link.tasks.see('t', exchange))
        hop.answer('tasks/get', answer)
        const seen = await looked
        if (seen) {
          assert.deepEqual([seen.id, seen.era], ['t', era])
          assert.ok(TASK_STATUSES.includes(seen.status))
          assert.ok(seen.pollMs === undefined || (seen.pollMs > 0 && seen.pollMs <= POLL_MS_MAX))
          if (seen.status === 'completed' && era === 'modern')
            assert.equal(seen.end?.kind, 'result')
        }
        const called = unlessFaulty(
          link.call({ ...callTool('x'), task: { ttlMs: 1_000 } }, exchange),
        )
        hop.answer('tools/call', answer)
        const reply = await called
        if (reply?.kind === 'task') assert.ok(reply.task.id.length > 0)
        const stopped = unlessFaulty(link.tasks.cancel('t', exchange))
        hop.answer('tasks/cancel', answer)
        await stopped
        const moved = unlessFaulty<unknown>(
          era === 'legacy'
            ? link.tasks.result('t', exchange)
            : link.tasks.update('t', { key: {} }, exchange),
        )
        hop.answer(era === 'legacy' ? 'tasks/result' : 'tasks/update', answer)
        await moved
      }),
      { numRuns: 500 },
    )
  })
}

// TL-008, TL-035, Q-065
test('a task is known by its id alone, and hints stay within bounds', () => {
  const read = (said: JsonObject) => {
    const task = readTask('legacy', { taskId: 't', ...said })
    return isViolation(task) ? task.why : [task.pollMs, task.message?.length]
  }
  assert.deepEqual(read({}), [undefined, undefined])
  assert.deepEqual(read({ ttl: null, pollInterval: 0.5, statusMessage: '' }), [1, undefined])
  assert.deepEqual(read({ pollInterval: 1e300, statusMessage: 'x'.repeat(9_999) }), [
    POLL_MS_MAX,
    1_000,
  ])
  assert.deepEqual(read({ pollInterval: -1, pollIntervalMs: 5 }), [undefined, undefined])
  assert.match(String(read({ taskId: '' })), /usable id/)
})
