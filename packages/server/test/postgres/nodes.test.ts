// Two whole houses on one database: what is done on one is seen, decided, stopped on the other.

import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, test } from 'node:test'
import { ExportVerifier, parseKey } from '@countersign/contract/ledger/index'
import { startIssuer } from '../auth/fake-issuer.ts'
import { bearer } from '../auth/guarded-house.ts'
import { uncaught, until } from '../stories/house.ts'
import { ask, legacy, modern, rpc, session, type Wire } from '../stories/raw.ts'
import { found, testServer } from './database.ts'
import { makeNodes, type Node } from './nodes.ts'

const ASKS = `
@id("everything") permit(principal, action, resource);
@id("delete-asks") @ask("sre")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note");
`

const call = async ({ at }: Node, name: string, args: Wire = {}): Promise<Wire> =>
  (await ask(at(), modern('tools/call', { params: { name, arguments: args } }))).json.result
const textIn = (result: Wire): string => String(result.content[0].text)
const receiptIn = (result: Wire): string => result._meta['dev.countersign/receipt'].call

if ('why' in found) {
  test('Postgres: two houses were not tried', { skip: found.why }, () => undefined)
} else {
  const { connect, database } = testServer(found.bin)

  describe('two houses on one database', () => {
    // ND-001
    it('have one ledger, and each proves what the other did', async () => {
      await using nodes = makeNodes(await database())
      const [a, b] = [await nodes.open('a'), await nodes.open('b')]
      const done = await Promise.all(
        [a, b, a, b].map((node, at) => call(node, 'read_note', { path: `/${at}` })),
      )
      const ids = done.map(receiptIn)
      for (const house of [b.house, a.house]) {
        for (const id of ids) {
          const custody = await house.admin.getCustody({ call: id })
          assert.equal(custody.rounds[0]?.outcome, 'answered')
          const receipt = await house.admin.getReceipt({ call: id })
          assert.ok(receipt.entries.every(({ proof }) => proof !== undefined))
        }
      }
      const { key } = await a.house.admin.getLedgerKey({})
      const verifier = new ExportVerifier({ keys: [parseKey(key)!] })
      for (let from: number | undefined = 0; from !== undefined;) {
        const page = await b.house.admin.exportLedger({ from })
        for (const line of page.lines) await verifier.line(line)
        from = page.next
      }
      const report = verifier.report()
      assert.deepEqual(report.problems, [])
      assert.ok(report.entries >= 8)
    })

    // ND-005
    it('list what either was shown, and carry on each other’s sessions', async () => {
      await using nodes = makeNodes(await database())
      const [a, b] = [await nodes.open('a'), await nodes.open('b')]
      const mine = await session(a.at())
      const tools = async (node: Node): Promise<readonly string[]> => {
        const { json } = await ask(node.at(), legacy(rpc('tools/list'), mine))
        return json.result.tools.map(({ name }: Wire) => name)
      }
      assert.deepEqual(await tools(b), await tools(a))
      assert.equal((await ask(b.at(), { method: 'DELETE', headers: mine })).status, 204)
      await until('it is over on the other node too', async () => {
        const { status } = await ask(a.at(), legacy(rpc('tools/list'), mine))
        return status === 404
      })
    })

    // ND-005
    it('stop at one brake', async () => {
      await using nodes = makeNodes(await database())
      const [a, b] = [await nodes.open('a'), await nodes.open('b')]
      assert.match(textIn(await call(b, 'read_note')), /done/)
      const stopped = { what: 'everything' } as const
      await a.house.admin.pullBrake({ stopped, reason: 'Fire.' })
      const refusal = await until('the other node stops', async () => {
        const result = await call(b, 'read_note')
        return result.isError ? textIn(result) : undefined
      })
      assert.match(refusal, /^Nothing was executed\. .*Fire\./)
      const [brake] = await b.house.admin.listBrakes({})
      await b.house.admin.releaseBrake({ id: brake?.id ?? '', reason: 'Out.' })
      await until(
        'the first one goes on',
        async () => (await call(a, 'read_note')).isError !== true,
      )
    })

    // ND-006, ND-011
    it('ask on one and answer on the other; what was approved is done once', async () => {
      await using nodes = makeNodes(await database(), { policies: ASKS })
      const [a, b] = [await nodes.open('a'), await nodes.open('b')]
      const asked = textIn(await call(a, 'delete_note', { path: '/x' }))
      const task = /^Request: (task_\S+)/m.exec(asked)?.[1] ?? ''
      const [approval] = await b.house.admin.listApprovals({})
      assert.equal(approval?.task, task)
      await b.house.admin.decideApproval({ id: approval.id, verdict: 'approve' })
      const said = await call(b, 'countersign_result', { id: task, wait_seconds: 20 })
      assert.equal(textIn(said), 'delete_note done')
      assert.equal(textIn(await call(a, 'countersign_result', { id: task })), 'delete_note done')
      assert.deepEqual(nodes.effects(), ['delete_note'])
      const versions = await a.house.ledger.read({ after: 0 })
      assert.equal(versions.filter(({ kind }) => kind === 'policy.changed').length, 1)
    })

    // ND-005
    it('take no token that was revoked on either', async () => {
      await using issuer = await startIssuer()
      const auth = { issuers: [{ issuer: issuer.issuer }] }
      await using nodes = makeNodes(await database(), { auth })
      const [a, b] = [await nodes.open('a'), await nodes.open('b')]
      const claims = { sub: 'ada', aud: 'https://mcp.example/mcp/cabinet', jti: 'one' }
      const token = await issuer.mint({
        claims: { ...claims, scope: 'mcp:discover cabinet:admin' },
      })
      const shown = async ({ at }: Node): Promise<number> =>
        (await ask(at(), modern('tools/list', { headers: bearer(token) }))).status
      assert.deepEqual([await shown(a), await shown(b)], [200, 200])
      await a.house.admin.revoke({ token: 'one' })
      assert.equal(await shown(a), 401)
      await until('the other node refuses it', async () => (await shown(b)) === 401)
    })

    // ND-008
    it('do not open where their keys differ, and say which', async () => {
      await using nodes = makeNodes(await database(), { hasOwnKeys: true })
      const a = await nodes.open('a')
      await call(a, 'read_note')
      await a.house.admin.exportLedger({ from: 0 })
      await assert.rejects(nodes.open('b'), { code: 'store/unavailable', message: /ledger\.key/ })
      const keys = (name: string): string => join(nodes.place(name), 'data', 'keys')
      rmSync(keys('b'), { recursive: true, force: true })
      cpSync(keys('a'), keys('b'), { recursive: true })
      rmSync(join(keys('b'), 'seal.key'))
      await assert.rejects(nodes.open('b'), {
        code: 'store/unavailable',
        message: /seal\.key is not there.*Copy the folder of keys/,
      })
    })

    // ND-008
    it('do not open with a key of the ledger that was replaced on another node', async () => {
      await using nodes = makeNodes(await database())
      const [a, b] = [await nodes.open('a'), await nodes.open('b')]
      await call(a, 'read_note')
      await a.house.admin.rotateLedgerKey({})
      await a.stop()
      // Which signs with the one before until it starts again.
      await call(b, 'read_note')
      await b.stop()
      await assert.rejects(nodes.open('b'), { code: 'store/unavailable', message: /ledger\.key/ })
      const key = (name: string): string => join(nodes.place(name), 'data', 'keys', 'ledger.key')
      cpSync(key('a'), key('b'))
      await call(await nodes.open('b'), 'read_note')
    })

    // ND-004
    it('say that a database may only be read, and do nothing, until it may be written', async () => {
      const address = await database()
      await using nodes = makeNodes(address)
      const a = await nodes.open('a')
      await call(a, 'write_note')
      const link = await connect(address)
      const name = String((await link.query('SELECT current_database() AS name')).rows[0]?.['name'])
      const mayWrite = async (isOn: boolean): Promise<void> => {
        await link.query(`ALTER DATABASE ${name} SET default_transaction_read_only = ${!isOn}`)
        await link.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
          [name],
        )
      }
      await mayWrite(false)
      await assert.rejects(
        a.house.admin.pullBrake({ stopped: { what: 'server', server: 'peer' }, reason: 'no' }),
        { code: 'store/unavailable' },
      )
      assert.equal(await call(a, 'write_note'), undefined)
      assert.deepEqual(nodes.effects(), ['write_note'])
      await mayWrite(true)
      await until('it goes on', async () => (await call(a, 'write_note')) !== undefined)
    })

    // ND-012
    it('do not open where a clock is wrong, and say by how much', async () => {
      await using nodes = makeNodes(await database())
      await nodes.open('a')
      for (const ms of [60_000, -60_000]) {
        await assert.rejects(nodes.open('b', ms), {
          code: 'store/unavailable',
          message: /^The clock of this machine is (?:59|60) s off/,
        })
      }
      await nodes.open('c', 2_000)
    })

    // ND-009
    it('say that a database cannot be reached, and nothing of its address', async () => {
      const address = 'postgres://user:hunter2@127.0.0.1:9/none'
      await using nodes = makeNodes(address)
      await assert.rejects(nodes.open('a'), (thrown: unknown) => {
        assert.ok(thrown instanceof Error)
        assert.match(
          thrown.message,
          /^The database of `store\.postgres` cannot be used: ECONNREFUSED/,
        )
        assert.doesNotMatch(JSON.stringify(thrown) + String(thrown.cause), /hunter2/)
        return true
      })
    })
  })

  test('nothing was thrown that nobody caught', () => {
    assert.deepEqual(uncaught, [])
  })
}
