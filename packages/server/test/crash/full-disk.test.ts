// A ledger that cannot be written stops calls before their effect, and loses nothing.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { launch, type Running } from '../../../../test/conformance/processes.ts'
import { makeFolder } from '../stories/house.ts'
import { call, endGateways, ledgerIn, makeScene, startGateway, WITNESS } from './gateway.ts'

/** 1 MiB: room for a hundred calls, and for less than one checkpoint of the log. */
const BLOCKS_MAX = 2_048

let folder: ReturnType<typeof makeFolder>
let http: Running
before(async () => {
  folder = makeFolder()
  http = await launch(
    [WITNESS, '--port', '0', `${folder.path}/http.effects`],
    (line) => /^listening (\S+)$/.exec(line)?.[1],
    { verbose: false },
  )
})
after(async () => {
  await endGateways()
  await http[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

describe('a disk that is full', { skip: process.platform === 'win32' }, () => {
  it(
    'refuses calls before anything happens, and keeps what was said',
    { timeout: 120_000 },
    async () => {
      const scene = makeScene(folder.path, http.url)
      const limited = await startGateway(scene, BLOCKS_MAX)
      const told: string[] = []
      let refused = 0
      for (let at = 0; refused < 20 && at < 2_000; at++) {
        const tool = at % 2 === 0 ? 'write' : 'read'
        // oxlint-disable-next-line eslint/no-await-in-loop -- until it is full
        const { status, json } = await call(limited, 'http', tool, `m${at}`)
        assert.equal(status, 200)
        if (json.result) {
          assert.equal(refused, 0, 'it recovered by itself, which this story does not expect')
          told.push(json.result._meta['dev.countersign/receipt'].call)
        } else {
          assert.equal(json.error.code, -32603)
          assert.match(json.error.message, /^Nothing was executed: the ledger cannot be written/)
          refused++
        }
      }
      assert.ok(told.length > 10, `only ${told.length} calls fitted`)
      assert.equal(refused, 20)
      const effects = scene.effects('http').length
      // A call that would be a task first is not sent either.
      const charged = await call(limited, 'http', 'charge', 'never')
      assert.equal(charged.json.result, undefined)
      assert.equal(charged.json.error.code, -32603)
      assert.match(charged.json.error.message, /^The call was not sent: it could not be written/)
      assert.ok(!scene.effects('http').includes('never'))
      assert.ok(effects <= Math.ceil(told.length / 2) + 1)
      // Its health does not depend on the disk, and it stops like any other.
      const health = await fetch(new URL('/healthz', limited.url))
      assert.equal(health.status, 200)
      await limited.kill('SIGTERM')
      // With room again, it starts, and everything it had acknowledged is there.
      const free = await startGateway(scene)
      const again = await call(free, 'http', 'write', 'after')
      assert.equal(again.json.result.content[0].text, 'after')
      const paid = await call(free, 'http', 'charge', 'paid')
      assert.equal(paid.json.result.content[0].text, 'paid')
      assert.ok(!scene.effects('http').includes('never'), 'a refused task came back')
      assert.deepEqual(await free.kill('SIGTERM'), [0, null])
      const lines = ledgerIn(scene)
      for (const id of told) {
        const kinds = lines.filter((line) => line.call === id).map(({ kind }) => kind)
        assert.deepEqual(kinds, ['call.opened', 'call.closed'], id)
      }
      const openings = lines.filter(
        ({ kind, body }) => kind === 'call.opened' && body['name'] !== 'read',
      )
      assert.ok(scene.effects('http').length <= openings.length)
    },
  )
})
