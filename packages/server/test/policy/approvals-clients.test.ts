// A call that waits for the yes of people, as each kind of client meets it. All are official ones.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { toolDeclarationFromMcpTool } from '@modelcontextprotocol/ext-tasks/client'
import type { Admin } from '@countersign/contract'
import { connectV1 as connectTasks, taskSession } from '../../../../test/peers/task-peers.ts'
import { connectV1, connectV2, textOf, type Peer } from '../stories/clients.ts'
import { uncaught, until } from '../stories/house.ts'
import { openPolicyHouse, type PolicyHouse } from './policy-house.ts'

const POLICIES = `
@id("everything") permit(principal, action, resource);
@id("delete-asks") @ask("sre") @message("Deleting needs a second pair of eyes")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note");
@id("reading-asks") @ask("sre")
forbid(principal, action == Action::"read", resource == Resource::"cabinet/note://private");
`
type Approval = Awaited<ReturnType<Admin['getApproval']>>

let house: PolicyHouse
before(async () => {
  house = await openPolicyHouse({
    policies: { 'a.cedar': POLICIES },
    groups: { sre: ['operator'] },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

/** The open approval of the call with this argument. */
const openFor = (path: string): Promise<Approval> =>
  until(`${path} waits for approval`, async () => {
    const { admin } = house.house
    for (const { id } of await admin.listApprovals({ states: 'open' })) {
      const one = await admin.getApproval({ id })
      if (one.arguments['path'] === path) return one
    }
    return undefined
  })

const decide = async (
  path: string,
  verdict: 'approve' | 'deny',
  reason?: string,
): Promise<void> => {
  const { id } = await openFor(path)
  await house.house.admin.decideApproval({ id, verdict, ...(reason ? { reason } : {}) })
}

const deletions = (): number => house.effects().filter((one) => one === 'delete_note').length

/** What a client saw while it waited, and what it had in the end. */
interface Seen {
  readonly waiting: string
  readonly end: string
}

/** One row of the table: calls `delete_note`, has somebody decide meanwhile, and comes to the end. */
type Row = (path: string, decided: () => Promise<void>) => Promise<Seen>

const plain =
  (connect: () => Promise<Peer>): Row =>
  async (path, decided) => {
    const peer = await connect()
    try {
      const first = await peer.call('delete_note', { path })
      assert.notEqual(first.isError, true)
      assert.equal(first['structuredContent'], undefined)
      // An impatient model calls again: nobody is asked twice.
      const again = textOf(await peer.call('delete_note', { path }))
      assert.match(again, /This is the same request as before; nobody was asked again\./)
      const id = /^Request: (task_\S+)/m.exec(textOf(first))?.[1]
      assert.ok(again.includes(String(id)))
      const look = await peer.call('countersign_result', { id, wait_seconds: 0 })
      assert.match(textOf(look), /^Still waiting for the approval of someone of "sre"/)
      const pending = textOf(await peer.call('countersign_pending'))
      assert.match(pending, /waiting for the approval of someone of "sre"; nothing was executed/)
      await decided()
      const end = await peer.call('countersign_result', { id })
      return { waiting: textOf(first), end: `${String(end.isError === true)} ${textOf(end)}` }
    } finally {
      await peer.close()
    }
  }

const extTasks =
  (era: 'modern' | 'legacy'): Row =>
  async (path, decided) => {
    await using peer = await taskSession(house.at(), era)
    const { tools } = await peer.client.listTools()
    const listed = tools.find(({ name }) => name === 'delete_note')
    assert.ok(listed)
    const declaration = toolDeclarationFromMcpTool(listed)
    const options = { declaration, task: { preference: 'prefer' } } as const
    const execution = await peer.session.callTool('delete_note', { path }, options)
    const { id } = await openFor(path)
    const { task } = await house.house.admin.getApproval({ id })
    const { admin } = house.house
    const waiting = await until(
      'it says so',
      async () => (await admin.getTask({ id: task })).status,
    )
    await decided()
    const { outcome } = await execution.settle()
    return { waiting, end: JSON.stringify(outcome) }
  }

/** The experimental half of SDK v1: every status it is told, and the last message. */
const oldTasks: Row = async (path, decided) => {
  await using peer = await connectTasks(house.at())
  await peer.client.listTools()
  const messages = peer.client.experimental.tasks.callToolStream(
    { name: 'delete_note', arguments: { path } },
    undefined,
    { task: { ttl: 3_600_000 }, onprogress: () => undefined },
  )
  const seen: Readonly<Record<string, unknown>>[] = []
  let isDecided = false
  for await (const message of messages) {
    seen.push({ ...message })
    const isTold = JSON.stringify(message).includes('Waiting for approval')
    if (isTold && !isDecided) {
      isDecided = true
      await decided()
    }
  }
  const waiting = seen.find((one) => JSON.stringify(one).includes('Waiting for approval'))
  assert.ok(waiting, JSON.stringify(seen))
  assert.match(JSON.stringify(waiting), /"status":"working"/)
  return { waiting: JSON.stringify(waiting), end: JSON.stringify(seen.slice(-2)) }
}

const ROWS: Readonly<Record<string, Row>> = {
  '2026-07-28 with tasks': extTasks('modern'),
  '2026-07-28 without tasks': plain(() => connectV2({ url: house.at() }, 'pinned')),
  '2025-11-25 with tasks': oldTasks,
  '2025-11-25 with tasks, by the newer client': extTasks('legacy'),
  '2025-11-25 without tasks': plain(() => connectV1({ url: house.at() })),
}

for (const [name, row] of Object.entries(ROWS)) {
  describe(`a client of ${name}`, () => {
    const at = name.replaceAll(/\W+/g, '-')

    // PO-004 PO-017 PO-018
    it('waits while people decide, is told who, and has its result after a yes', async () => {
      const already = deletions()
      const path = `/yes/${at}`
      const seen = await row(path, async () => {
        assert.equal(deletions(), already, 'nothing happens before somebody said yes')
        await decide(path, 'approve')
      })
      assert.match(seen.waiting, /[Ww]aiting for approval/)
      assert.match(seen.waiting, /someone of \\?"sre\\?"/)
      assert.match(seen.waiting, /Deleting needs a second pair of eyes/)
      assert.match(seen.end, /delete_note done/)
      assert.equal(deletions(), already + 1)
    })

    it('is told of a no, and why, and nothing happens', async () => {
      const already = deletions()
      const path = `/no/${at}`
      const seen = await row(path, () => decide(path, 'deny', 'It is still needed'))
      assert.match(seen.end, /Nothing was executed\. Someone of \\?"sre\\?" was asked/)
      assert.match(seen.end, /said no\. Their reason: It is still needed\./)
      assert.equal(deletions(), already)
    })
  })
}

describe('who hangs up', () => {
  it('withdraws nothing: somebody decides, and it happens once', async () => {
    const already = deletions()
    const path = '/hung-up'
    const peer = await connectV1({ url: house.at() })
    const gone = new AbortController()
    const called = peer
      .call('delete_note', { path }, { signal: gone.signal })
      .catch(() => undefined)
    const { id } = await openFor(path)
    gone.abort()
    await called
    await peer.close()
    assert.equal((await house.house.admin.getApproval({ id })).state, 'open')
    await decide(path, 'approve')
    await until('it happened', () => deletions() === already + 1 || undefined)
  })

  // PO-022
  it('and who cancels does withdraw it, and is told that nothing was executed', async () => {
    const already = deletions()
    const path = '/cancelled'
    const peer = await connectV2({ url: house.at() }, 'pinned')
    const { id, task } = await (async () => {
      await peer.call('delete_note', { path })
      return openFor(path)
    })()
    const said = textOf(await peer.call('countersign_cancel', { id: task }))
    assert.match(said, /It waited for approval, which is withdrawn: nothing was executed\./)
    await peer.close()
    const { admin } = house.house
    assert.equal((await admin.getApproval({ id })).state, 'void')
    const late = admin.decideApproval({ id, verdict: 'approve' })
    await assert.rejects(late, { code: 'approval/over' })
    assert.equal(deletions(), already)
  })
})

it('what is no tool call cannot wait, and says whom it would have needed', async () => {
  const peer = await connectV2({ url: house.at() }, 'pinned')
  await assert.rejects(peer.read('note://private'), /approval of someone of "sre"\. Only the call/)
  await peer.close()
})

// PO-019
it('the ledger has who asked, who answered and how it ended, and no argument', async () => {
  const entries = await house.entries()
  const asked = entries.filter(({ kind }) => kind === 'approval.asked')
  const ended = entries.filter(({ kind }) => kind === 'approval.ended')
  assert.equal(asked.length, ended.length)
  for (const { body } of asked) {
    const bound = body['bound'] as Readonly<Record<string, unknown>>
    assert.match(String(bound['arguments']), /^hmac-sha256:[\da-f]{64}$/)
    assert.match(String(bound['definition']), /^sha256:[\da-f]{64}$/)
  }
  assert.ok(
    entries.some(({ kind, body }) => kind === 'approval.answered' && body['by'] === 'operator'),
  )
  assert.doesNotMatch(JSON.stringify(entries), /\/(?:yes|no|hung-up|cancelled)\b/)
  const sent = entries.filter(
    ({ kind, body }) =>
      kind === 'call.opened' && JSON.stringify(body['decision']).includes('"approval":"ap_'),
  )
  assert.equal(sent.length, deletions())
})
