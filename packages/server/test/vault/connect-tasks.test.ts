// Calls that outlive a process, on servers that each connects for themselves.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startIssuer } from '../auth/fake-issuer.ts'
import { bearer } from '../auth/guarded-house.ts'
import { makeFormBrowser } from '../auth/form-browser.ts'
import { endGateways, startGateway, type Scene } from '../crash/gateway.ts'
import { makeFolder, uncaught, until } from '../stories/house.ts'
import { ask, envelope, modern, type Wire } from '../stories/raw.ts'
import { serveModernTasks } from '../upstream/peers/modern-tasks-http.ts'
import { makeShelf } from '../upstream/peers/modern-tasks-server.ts'
import { agree, openConnectHouse, personal } from './connect-house.ts'
import { protect, type ProtectedPeer } from './connect-peer.ts'

after(async () => {
  await endGateways()
  assert.deepEqual(uncaught, [])
})

const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
const WAITING = { after: '100 ms', pollsPerSecondMax: 10_000 }
const pageIn = (result: Wire): string => /http\S+$/.exec(result.content[0].text.trim())?.[0] ?? ''

const asTask = async (url: URL, method: string, params: Wire, headers = {}): Promise<Wire> => {
  const asked = modern(method, { params, meta: envelope({}, TASKS), headers })
  return (await ask(url, asked)).json.result
}

/** What was shown with the looks at this task. */
const lookedWith = ({ visits }: ProtectedPeer, task: string): ReadonlySet<string> =>
  new Set(
    visits.flatMap(({ headers, shown }) =>
      headers['mcp-method'] === 'tasks/get' && String(headers['mcp-name']).includes(encoded(task))
        ? (shown ?? [])
        : [],
    ),
  )
// Its ids hold a character that no header takes as it is.
const encoded = (task: string): string => Buffer.from(task).toString('base64')

test('After a restart each task goes on under the credential of whoever began it.', async () => {
  // GV5, OC15
  const shelf = makeShelf()
  shelf.override.set('tools/list', { tools: [HANG], ttlMs: 0, cacheScope: 'private' })
  await using peer = await protect(await serveModernTasks(shelf))
  await using issuer = await startIssuer()
  using folder = makeFolder()
  const plan = {
    issuer,
    data: folder.path,
    tasks: WAITING,
    servers: { cloud: personal(peer.url, { era: 'modern', tools: { hang: { effect: 'read' } } }) },
  }
  const headersAt = async (origin: string, sub: string) =>
    bearer(
      await issuer.mint({
        claims: { sub, aud: `${origin}/mcp/cloud`, scope: 'mcp:discover cloud:admin' },
      }),
    )
  const tokens = new Map<string, string>()
  {
    await using home = await openConnectHouse(plan)
    for (const sub of ['ada', 'bob']) {
      const headers = await headersAt(home.origin, sub)
      const refused = await asTask(home.at('cloud'), 'tools/call', CALL, headers)
      await agree(home.browserOf(sub), peer.authority, pageIn(refused))
      const from = peer.visits.length
      const { taskId } = await asTask(home.at('cloud'), 'tools/call', CALL, headers)
      assert.ok(taskId)
      const [token] = peer.visits
        .slice(from)
        .flatMap((visit) =>
          visit.headers['mcp-method'] === 'tools/call' ? (visit.shown ?? []) : [],
        )
      tokens.set(sub, token ?? '')
    }
    assert.notEqual(tokens.get('ada'), tokens.get('bob'))
  }
  const [hers, his] = [...shelf.tasks.keys()]
  peer.visits.length = 0
  await using _home = await openConnectHouse(plan)
  await until('both are looked after', () =>
    [hers, his].every((task) => lookedWith(peer, task ?? '').size > 0),
  )
  assert.deepEqual([...lookedWith(peer, hers ?? '')], [tokens.get('ada')])
  assert.deepEqual([...lookedWith(peer, his ?? '')], [tokens.get('bob')])
})

test('kill -9 loses neither the task nor the credential, and writes neither token down.', async () => {
  const shelf = makeShelf()
  shelf.override.set('tools/list', { tools: [HANG], ttlMs: 0, cacheScope: 'private' })
  await using peer = await protect(await serveModernTasks(shelf))
  using folder = makeFolder()
  const config = join(folder.path, 'countersign.json')
  const servers = { cloud: personal(peer.url, { era: 'modern' }) }
  const text = {
    listen: { port: 0 },
    data: 'data',
    limits: { closeMs: 0 },
    tasks: WAITING,
    servers,
  }
  writeFileSync(config, JSON.stringify(text))
  const scene: Scene = { folder: folder.path, config, effects: () => [], pids: () => [] }
  const first = await startGateway(scene)
  const hang = { ...CALL, name: 'cloud_hang' }
  const refused = await asTask(new URL('/mcp/cloud', first.url), 'tools/call', CALL)
  const browser = makeFormBrowser(first.url.origin)
  await agree(browser, peer.authority, pageIn(refused))
  const { taskId } = await asTask(first.url, 'tools/call', hang)
  const [kept] = [...shelf.tasks.entries()]
  assert.ok(kept && taskId)
  await until('it is looked after', () => lookedWith(peer, kept[0]).size > 0)
  await first.kill('SIGKILL')
  peer.visits.length = 0
  const second = await startGateway(scene)
  await until('it is looked after again', () => lookedWith(peer, kept[0]).size > 0)
  // From now on it is another tool, which is done at the third look.
  shelf.tasks.set(kept[0], { ...kept[1], tool: 'done' })
  const done = await until('it is done', async () => {
    const task = await asTask(second.url, 'tasks/get', { taskId })
    return task.status === 'completed' ? task : undefined
  })
  assert.equal(done.result.content[0].text, 'done')
  assert.equal(shelf.tasks.size, 1)
  await second.kill('SIGTERM')
  for (const name of readdirSync(join(folder.path, 'data'))) {
    if (!name.startsWith('countersign.db')) continue
    const bytes = readFileSync(join(folder.path, 'data', name), 'latin1')
    for (const token of peer.access.keys()) assert.ok(!bytes.includes(token), name)
  }
})

const HANG = { name: 'hang', inputSchema: { type: 'object' } }
const CALL = { name: 'hang', arguments: {} }
