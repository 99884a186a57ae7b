// What the user of an agent confirms in their own client, in both eras, and what is nobody's word.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { systemWorld } from '#base'
import { uncaught } from '../stories/house.ts'
import { openPolicyHouse, type PolicyHouse } from './policy-house.ts'

const POLICIES = `
@id("everything") permit(principal, action, resource);
@id("sure") @ask("self") @message("It does not come back")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note");
`
let house: PolicyHouse
let skippedMs = 0
const world = { ...systemWorld, monotonic: () => systemWorld.monotonic() + skippedMs }
before(async () => {
  house = await openPolicyHouse({
    policies: { 'a.cedar': POLICIES },
    approvals: { selfConfirm: true },
    world,
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

type Said =
  | { readonly action: 'accept'; readonly content: object }
  | { readonly action: 'decline' | 'cancel' }

/** One call of `delete_note` by an official client whose user answers so, after so long. */
async function asked(era: 'modern' | 'legacy', said: Said, afterMs: number, more = '') {
  const questions: string[] = []
  const client = new Client(
    { name: 'asker', version: '1' },
    {
      capabilities: { elicitation: { form: {} } },
      versionNegotiation: { mode: era === 'modern' ? { pin: '2026-07-28' } : 'legacy' },
    },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => {
    questions.push(params.message)
    skippedMs += afterMs
    return { ...said } as never
  })
  await client.connect(new StreamableHTTPClientTransport(house.at()))
  try {
    const path = `/${era}/${said.action}/${String(afterMs)}${more}`
    const result = await client.callTool({ name: 'delete_note', arguments: { path } })
    const [content] = result.content
    return { questions, text: content?.type === 'text' ? content.text : '', result }
  } finally {
    await client.close()
  }
}

const deletions = (): number => house.effects().filter((one) => one === 'delete_note').length
const selves = async () => (await house.entries('approval.self')).map(({ body }) => body)

for (const era of ['modern', 'legacy'] as const) {
  describe(`in a ${era} client`, () => {
    // PO-045
    it('a yes counts, for that call, and the entries say whose it was', async () => {
      const already = deletions()
      const { questions, text } = await asked(era, { action: 'accept', content: {} }, 0)
      assert.equal(text, 'delete_note done')
      assert.equal(deletions(), already + 1)
      assert.equal(questions.length, 1)
      assert.match(String(questions[0]), /cabinet delete_note \(destructive\).*does not come back/)
      const last = (await selves()).at(-1)
      assert.deepEqual([last?.['verdict'], last?.['means']], ['approve', 'self'])
      assert.deepEqual(last?.['principal'], 'local')
      const opened = (await house.entries('call.opened')).at(-1)
      assert.match(JSON.stringify(opened?.body['decision']), /"confirmed":"self"/)
    })

    it('is shown all of it, as it is, or is not asked there at all', async () => {
      const already = deletions()
      const plain = await asked(era, { action: 'accept', content: {} }, 0, '\u202Etxt.\u200B')
      assert.ok(plain.questions[0]?.includes('\\u202etxt.\\u200b'))
      assert.equal(deletions(), already + 1)
      const long = await asked(era, { action: 'accept', content: {} }, 0, 'x'.repeat(2_001))
      assert.deepEqual(long.questions, [])
      assert.match(long.text, /^Waiting for approval\. Nothing has been executed yet\./)
      assert.equal(deletions(), already + 1)
    })

    it('a no that somebody took the time for ends it', async () => {
      const already = deletions()
      const { text, result } = await asked(era, { action: 'decline' }, 2_000)
      assert.equal(result.isError, true)
      assert.match(text, /^Nothing was executed\. The user was asked to confirm it, and said no/)
      assert.equal(deletions(), already)
      assert.equal((await selves()).at(-1)?.['verdict'], 'deny')
    })

    it("what a headless client answers by itself is nobody's word: it waits for people", async () => {
      const already = deletions()
      const known = (await selves()).length
      const headless = [
        [{ action: 'decline' }, 0],
        [{ action: 'cancel' }, 0],
        [{ action: 'cancel' }, 5_000],
      ] as const
      for (const [said, afterMs] of headless) {
        const { text } = await asked(era, said, afterMs)
        assert.match(text, /^Waiting for approval\. Nothing has been executed yet\./)
        assert.match(text, /It needs the approval of the user/)
      }
      assert.equal(deletions(), already)
      assert.equal((await selves()).length, known)
      const [open] = await house.house.admin.listApprovals({ states: 'open' })
      assert.ok(open)
      // Whoever sits at this computer holds its token: the same person says it there.
      const decided = await house.house.admin.decideApproval({ id: open.id, verdict: 'approve' })
      assert.equal(decided.answers[0]?.means, 'self')
      for (const { id } of await house.house.admin.listApprovals({ states: 'open' })) {
        await house.house.admin.decideApproval({ id, verdict: 'deny', reason: 'enough' })
      }
    })
  })
}
