import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenPrincipal } from '#auth'
import { approverQuestion, questionOf } from './asker.ts'

const ISSUER = 'https://gw.example/oauth'
const asking = (subject: string, more: Partial<TokenPrincipal>) => {
  const who: TokenPrincipal = {
    id: `${ISSUER}#${encodeURIComponent(subject)}`,
    proof: 'bearer',
    issuer: ISSUER,
    subject,
    client: 'app',
    scopes: [],
    actors: [],
    tokenId: 't',
    expiresAt: 0,
    stepUp: 'tool',
    ...more,
  }
  const judged = {
    kind: 'tool',
    method: 'tools/call',
    server: 's',
    name: 'n',
    effect: 'read',
    digest: '',
  } as const
  const moment = { at: '', date: '', weekday: '', hour: 0, minute: 0 }
  return questionOf(who, judged, { view: '' }, { groupsOf: () => [], moment })
}

test('a program is a Workload to policies, by itself and when another one acts for it', () => {
  const program = 'workload:ci:repo:acme/tools'
  assert.equal(asking('ada', {}).principal.type, 'User')
  assert.equal(asking('app', {}).principal.type, 'Workload')
  const alone = asking(program, { client: program, isWorkload: true })
  assert.equal(alone.principal.type, 'Workload')
  assert.equal(alone.principal.id, `${ISSUER}#workload%3Aci%3Arepo%3Aacme%2Ftools`)
  const actors = [{ subject: 'agent', issuer: ISSUER, client: 'agent' }]
  const passed = asking(program, { client: 'agent', isWorkload: true, actors })
  assert.equal(passed.principal.type, 'Workload')
  assert.equal(passed.delegation, 1)
  assert.deepEqual(passed.agents, ['agent', `${ISSUER}#agent`])
})

test('whoever decides has the same subject to policies as when they call (PV-006)', () => {
  const call = { server: 's', tool: 't', effect: 'write', definition: '', view: '' } as const
  const moment = { at: '', date: '', weekday: '', hour: 0, minute: 0 }
  const around = { groupsOf: () => [], moment }
  for (const subject of ['bob@example.com', 'auth0|b', 'a b', '100%']) {
    const { principal } = asking(subject, {})
    assert.deepEqual(approverQuestion(principal.id, call, around).principal, principal)
  }
  assert.equal(approverQuestion('operator', call, around).principal.subject, 'operator')
})
