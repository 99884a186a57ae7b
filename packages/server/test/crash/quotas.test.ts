// QU-003: whatever is killed in the middle, a budget is never more than it says.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { makeFolder } from '../stories/house.ts'
import { call, endGateways, makeScene, startGateway } from './gateway.ts'

after(endGateways)

const QUOTA = 'dev.countersign/quota'
const BUDGET = 40
const KILLS = 3
const CALLERS = 8

test('kill -9 among calls never makes a budget more than it was', { timeout: 60_000 }, async () => {
  using folder = makeFolder()
  const scene = makeScene(folder.path, 'http://127.0.0.1:9/mcp')
  const config = JSON.parse(readFileSync(scene.config, 'utf8'))
  const quotas = [
    { name: 'job', match: { server: 'stdio' }, budget: { calls: BUDGET, per: '24 h' } },
    // The tries of one life end by themselves: what is being proved is what is left for the next.
    { name: 'pace', match: { server: 'stdio' }, rate: { calls: 10, per: '1 h' } },
  ]
  writeFileSync(scene.config, JSON.stringify({ ...config, quotas }))
  let refused = 0
  for (let life = 0; life <= KILLS; life++) {
    // The last life has no pace: it uses up what is left.
    if (life === KILLS) {
      writeFileSync(scene.config, JSON.stringify({ ...config, quotas: quotas.slice(0, 1) }))
    }
    const gateway = await startGateway(scene)
    const before = scene.effects('stdio').length
    const callers = Array.from({ length: CALLERS }, async (_, caller) => {
      for (let at = 0; at < 8; at++) {
        const mark = `${String(life)}-${String(caller)}-${String(at)}`
        const said = await call(gateway, 'stdio', 'write', mark).catch(() => undefined)
        if (said === undefined) return
        if (said.json?.result?._meta?.[QUOTA]?.quota === 'job') refused++
        const done = scene.effects('stdio').length - before
        if (life < KILLS && done >= 5 + life) await gateway.kill('SIGKILL')
      }
    })
    await Promise.all(callers)
    await gateway.kill(life < KILLS ? 'SIGKILL' : 'SIGTERM')
  }
  const effects = scene.effects('stdio')
  assert.equal(new Set(effects).size, effects.length)
  assert.ok(effects.length <= BUDGET, `${String(effects.length)} of ${String(BUDGET)}`)
  // Each life lost at most one block: a sixteenth of what was left.
  assert.ok(effects.length >= BUDGET - KILLS * (Math.floor(BUDGET / 16) + CALLERS))
  assert.ok(refused > 0)
})
