import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from '#auth'
import type { KeptUpstream } from './make-upstream.ts'
import { PersonalUpstreams } from './personal.ts'
import type { ServerSpec, UpstreamStatus, Watch } from './upstream.ts'

const SPEC: ServerSpec = {
  id: 'cloud',
  transport: { kind: 'http', url: 'http://127.0.0.1/mcp', headers: {} },
  era: 'auto',
  start: 'demand',
  callTimeoutMs: 1_000,
  idleMs: 1_000,
  messageBytesMax: 1_000,
}

const who = (subject: string): Principal => ({
  id: `https://idp.example#${subject}`,
  proof: 'bearer',
  issuer: 'https://idp.example',
  subject,
  scopes: [],
  actors: [],
  tokenId: subject,
  expiresAt: 0,
  stepUp: 'tool',
})

interface Made {
  status: Partial<UpstreamStatus>
  readonly watches: Watch[]
  closed: number
  renewed: number
}

function people(max?: number) {
  const made = new Map<string, Made>()
  const make = ({ id }: Principal): KeptUpstream => {
    const one: Made = { status: {}, watches: [], closed: 0, renewed: 0 }
    made.set(id.split('#')[1] ?? '', one)
    const upstream: Partial<KeptUpstream> = {
      spec: SPEC,
      status: () => ({ ...NONE, ...one.status }),
      list: async () => ({ items: [{ name: id }], ttlMs: 0, problems: [] }),
      watch: (watch) => void one.watches.push(watch),
      renew: () => void one.renewed++,
      close: async () => void one.closed++,
    }
    return upstream as KeptUpstream
  }
  return { made, all: new PersonalUpstreams(SPEC, make, max) }
}

const NONE: UpstreamStatus = {
  state: 'idle',
  introduction: undefined,
  pid: undefined,
  restarts: 0,
  inFlight: 0,
  problem: undefined,
  stderr: [],
}
const WATCH: Watch = { lists: true, resources: new Set(), logLevel: undefined }

test('each principal has one upstream, which is always the same', () => {
  const { all } = people()
  const ada = all.of(who('ada'))
  assert.equal(all.of(who('ada')), ada)
  assert.notEqual(all.of(who('bob')), ada)
})

test('whoever was away longest makes room, and nobody who is at work does', () => {
  const { all, made } = people(2)
  const ada = all.of(who('ada'))
  all.of(who('bob'))
  all.of(who('ada'))
  all.of(who('cleo'))
  assert.equal(made.get('bob')?.closed, 1)
  assert.equal(all.of(who('ada')), ada)
  const [hers, theirs] = [made.get('ada'), made.get('cleo')]
  assert.ok(hers && theirs)
  hers.status = { inFlight: 1 }
  theirs.status = { state: 'connecting' }
  assert.throws(() => all.of(who('dora')), { code: 'upstream/unavailable' })
  assert.deepEqual([hers.closed, theirs.closed], [0, 0])
})

test('the list of a server is that of whoever came first, while they are there', async () => {
  const { all, made } = people()
  const face = all.face()
  await assert.rejects(face.list('tool'), { code: 'upstream/unconnected' })
  for (const name of ['ada', 'bob']) all.of(who(name))
  const [ada, bob] = [made.get('ada'), made.get('bob')]
  assert.ok(ada && bob)
  bob.status = { state: 'ready' }
  assert.match(JSON.stringify((await face.list('tool')).items), /#bob"/)
  ada.status = { state: 'ready' }
  assert.match(JSON.stringify((await face.list('tool')).items), /#ada"/)
})

test('nothing is called on behalf of nobody', async () => {
  // OC15
  const { all } = people()
  all.of(who('ada'))
  const { call } = all.face()
  await assert.rejects(call({ method: 'tools/call', params: {} }, {} as never))
})

test('what one has not connected is no problem of the server, and a failure is', () => {
  const { all, made } = people()
  all.of(who('ada'))
  const ada = made.get('ada')
  assert.ok(ada)
  ada.status = { problem: 'connect it first', isUnconnected: true }
  assert.equal(all.face().status().problem, undefined)
  ada.status = { state: 'backoff', problem: 'broken' }
  assert.deepEqual([all.face().status().state, all.face().status().problem], ['backoff', 'broken'])
})

test('lists alone connect nobody; whoever stops listening is let go', () => {
  const { all, made } = people()
  all.of(who('ada'))
  all.watchEach([
    { who: who('ada'), watch: WATCH },
    { who: who('bob'), watch: WATCH },
    { who: who('cleo'), watch: { ...WATCH, resources: new Set(['test://one']) } },
  ])
  assert.deepEqual([...made.keys()], ['ada', 'cleo'])
  assert.deepEqual(made.get('ada')?.watches.at(-1), WATCH)
  all.watchEach([])
  assert.equal(made.get('ada')?.watches.at(-1)?.lists, false)
})

test('a credential that changed is of its principal alone', () => {
  const { all, made } = people()
  all.of(who('ada'))
  all.of(who('bob'))
  all.known(who('ada').id)?.renew()
  assert.equal(all.known(who('cleo').id), undefined)
  assert.deepEqual([made.get('ada')?.renewed, made.get('bob')?.renewed], [1, 0])
})

test('a closed one opens nothing more', async () => {
  const { all, made } = people()
  all.of(who('ada'))
  await all.face().close()
  assert.equal(made.get('ada')?.closed, 1)
  assert.throws(() => all.of(who('bob')), { code: 'upstream/unavailable' })
  assert.equal(all.face().status().state, 'closed')
})
