// Calls that became tasks, and what goes wrong around them at an unlucky moment.

import assert from 'node:assert/strict'
import { after, afterEach, describe, it } from 'node:test'
import { TASKS_EXTENSION } from '@countersign/contract'
import { systemWorld } from '#base'
import { serveLegacy, serveModern, text, tool, type Peer, type Said } from '../wire/peer.ts'
import { openSession } from '../wire/session.ts'
import { worldWith } from '../wire/wire-house.ts'
import { makeFolder, openTestHouse, uncaught, until, type Plan, type TestHouse } from './house.ts'
import { FORM, openSlow } from './peers/slow.ts'
import { ask, envelope, modern, type Wire } from './raw.ts'

const WITH_TASKS = { extensions: { [TASKS_EXTENSION]: {} } }
const ABLE = { elicitation: { form: {}, url: {} } }
const READ = { annotations: { readOnlyHint: true } }
/** A client without tasks that is told in words after a second. */
const QUICK = { 'io.modelcontextprotocol/clientInfo': { name: 'quick', version: '0' } }

const open: AsyncDisposable[] = []
const own = <One extends AsyncDisposable>(one: One): One => {
  open.push(one)
  return one
}
/** A house with one server, whose calls are tasks after a tenth of a second. */
async function house({ url }: { url: string }, more: Partial<Plan> & { server?: object } = {}) {
  const { server, ...plan } = more
  const tasks = {
    after: '100 ms',
    hold: { quick: '1 s' },
    pollsPerSecondMax: 10_000,
    ...plan.tasks,
  }
  const servers = { s: { url, ...server } }
  return own(await openTestHouse({ world: worldWith({ 250: 20 }), servers, ...plan, tasks }))
}
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]()
})
after(() => assert.deepEqual(uncaught, []))

const say = async (at: TestHouse, method: string, params: Wire, meta: Wire): Promise<Wire> =>
  (await ask(at.at('s'), modern(method, { params, meta }))).json
const asTask = (at: TestHouse, method: string, params: Wire): Promise<Wire> =>
  say(at, method, params, envelope({}, WITH_TASKS))
/** What a client without tasks is answered, `more` being what is beside the arguments. */
const plain = async (
  at: TestHouse,
  name: string,
  args: Wire = {},
  more: Wire = {},
): Promise<Wire> => {
  const { caps = {}, ...rest } = more
  const params = { name, arguments: args, ...rest }
  return (await say(at, 'tools/call', params, envelope(QUICK, caps))).result
}
const wordsOf = (result: Wire): string => result.content[0].text
const idIn = (result: Wire): string => /task_[\w-]{22}/.exec(wordsOf(result))?.[0] ?? ''
const ended = (at: TestHouse, taskId: string): Promise<Wire> =>
  until(`task ${taskId} is over`, async () => {
    const { result } = await asTask(at, 'tasks/get', { taskId })
    return ['working', 'input_required'].includes(result.status) ? undefined : result
  })

type Script = Readonly<Record<string, (message: Wire, said: Said, count: number) => Wire>>

/** A server whose tools do what a story says, and how often each was called. */
async function scripted(script: Script, serve: typeof serveModern = serveLegacy, more: Wire = {}) {
  const counts: Record<string, number> = {}
  const tools = Object.keys(script).map((name) => tool(name, name.startsWith('read') ? READ : {}))
  const peer: Peer = await serve({
    'tools/list': () => ({ resultType: 'complete', tools }),
    'tools/call': (message, said) => {
      const { name } = message.params
      const count = (counts[name] ?? 0) + 1
      counts[name] = count
      return script[name]?.(message, said, count)
    },
    ...more,
  })
  return { ...own(peer), counts }
}

const later = (ms: number, then: () => unknown): undefined => void setTimeout(then, ms)

describe('a call that was under way before it was a task', { timeout: 60_000 }, () => {
  it('is sent once more, and no more, when its reconciling tool says that it did not happen', async () => {
    const peer = await scripted({
      send: (_message, said, count) => (count > 1 ? text('sent') : later(300, said.cut)),
      check: () => ({ ...text('no'), structuredContent: { happened: false } }),
    })
    const at = await house(peer, {
      server: { tools: { send: { reconcile: { tool: 'check' } } } },
    })
    const { result } = await asTask(at, 'tools/call', { name: 'send', arguments: {} })
    assert.equal(wordsOf((await ended(at, result.taskId)).result), 'sent')
    assert.deepEqual(peer.counts, { send: 2, check: 1 })
  })

  it('is really tried again when it certainly never reached its server', async () => {
    const mismatch = { jsonrpc: '2.0', error: { code: -32020, message: 'the headers do not fit' } }
    const peer = await scripted(
      {
        send: ({ id }, said, count) =>
          count > 2
            ? { ...text('sent'), resultType: 'complete' }
            : later(150, () => said.status(400, { ...mismatch, id })),
      },
      serveModern,
    )
    const at = await house(peer)
    const { result } = await asTask(at, 'tools/call', { name: 'send', arguments: {} })
    const { status, result: said } = await ended(at, result.taskId)
    assert.deepEqual([status, wordsOf(said)], ['completed', 'sent'])
  })

  it('is answered although its tool was taken out of the list meanwhile', async () => {
    let tools = [tool('read', READ), tool('other')]
    const peer = own(
      await serveLegacy({
        'tools/list': () => ({ tools }),
        'tools/call': (_message, said) => {
          tools = [tool('other')]
          said.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
          later(900, () => said.answer({ result: text('done') }))
        },
      }),
    )
    const at = await house(peer, { tasks: { after: '500 ms' } })
    assert.equal(wordsOf(await plain(at, 'read')), 'done')
    assert.deepEqual(
      at.house.gateway
        .view('s')
        ?.list('tool')
        .map(({ name }) => name),
      ['other'],
    )
  })
})

/** A server that makes a task of every call; `look` says what one look at it shows. */
async function tasking(look: () => Wire = () => ({})) {
  const told: Wire[] = []
  const task = (taskId: string): Wire => {
    const now = new Date().toISOString()
    const times = { createdAt: now, lastUpdatedAt: now, ttlMs: 100_000, pollIntervalMs: 2_000 }
    return { taskId, status: 'working', ...times }
  }
  const heard = ({ method, params }: Wire): Wire => {
    told.push({ method, ...params })
    return { resultType: 'complete' }
  }
  const peer = await scripted(
    { send: (_message, _said, count) => ({ resultType: 'task', ...task(`up-${count}`) }) },
    serveModern,
    {
      'server/discover': () => ({
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {}, ...WITH_TASKS },
        ttlMs: 0,
        cacheScope: 'private',
      }),
      'tasks/get': ({ params }: Wire) => {
        told.push({ method: 'tasks/get' })
        return { resultType: 'complete', ...task(params.taskId), ...look() }
      },
      'tasks/cancel': heard,
      'tasks/update': heard,
    },
  )
  const hears = (method: string): Promise<Wire> =>
    until(`it hears ${method}`, () => told.find((one) => one.method === method))
  return { ...peer, hears }
}

describe('a server that makes tasks', { timeout: 60_000 }, () => {
  it('is told to stop one that may not be kept, and the client that nobody knows', async () => {
    const peer = await tasking()
    const at = await house(peer, { tasks: { inFlightMax: 1 } })
    const first = await asTask(at, 'tools/call', { name: 'send', arguments: {} })
    assert.equal(first.result.resultType, 'task')
    const second = await asTask(at, 'tools/call', { name: 'send', arguments: { n: 2 } })
    assert.equal(second.result?.isError, true, JSON.stringify(second))
    assert.match(wordsOf(second.result), /^Unknown outcome/)
    assert.equal((await peer.hears('tasks/cancel')).taskId, 'up-2')
  })

  it('asks whoever has waited for the result since before it was looked at again', async () => {
    const inputRequests = { who: { method: 'elicitation/create', params: FORM } }
    const peer = await tasking(() => ({ status: 'input_required', inputRequests }))
    using folder = makeFolder()
    const at = await house(peer, { data: folder.path })
    const session = await openSession(at.at('s'), '2025-11-25', { elicitation: {} })
    const made = await session.request('tools/call', { name: 'send', task: {} })
    const { taskId } = made.message.result.task
    await until('it is a task of the server', async () => {
      const [task] = (await at.house.gateway.desk.page({})).tasks
      return task?.state === 'waiting' || undefined
    })
    await open.pop()?.[Symbol.asyncDispose]()
    const again = await house(peer, { data: folder.path })
    const other = await openSession(again.at('s'), '2025-11-25', { elicitation: {} })
    const waiting = await other.begin('tasks/result', { taskId })
    const question = await waiting.message()
    assert.equal(question.method, 'elicitation/create')
    await other.respond(question.id, { action: 'decline' })
    const { inputResponses } = await peer.hears('tasks/update')
    assert.deepEqual(inputResponses, { who: { action: 'decline' } })
    waiting.close()
  })
})

describe('numbers that no double can hold', { timeout: 60_000 }, () => {
  const EXACT = '"id":12345678901234567890'

  it('leave as they came in a call that is a task from the start', async () => {
    const peer = await scripted({ read: () => text('done') })
    const at = await house(peer)
    const session = await openSession(at.at('s'))
    const params = `{"name":"read","arguments":{${EXACT}},"task":{}}`
    await session.post(`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":${params}}`)
    await peer.next('tools/call')
    const { tasks } = await at.house.gateway.desk.page({})
    // What is sent is what was written down.
    assert.ok(JSON.stringify(tasks[0]?.input).includes(EXACT))
  })

  it('come back as they left in the result of a task', async () => {
    const peer = await scripted({
      read: ({ id }, said) =>
        later(300, () => {
          const result = `{"content":[],"structuredContent":{${EXACT}}}`
          said.write(`data: {"jsonrpc":"2.0","id":${id},"result":${result}}\n\n`)
          said.end()
        }),
    })
    const at = await house(peer)
    const { result } = await asTask(at, 'tools/call', { name: 'read', arguments: {} })
    await ended(at, result.taskId)
    const params = { taskId: result.taskId }
    const meta = envelope({}, WITH_TASKS)
    const { text: bytes } = await ask(at.at('s'), modern('tasks/get', { params, meta }))
    assert.ok(bytes.includes(EXACT), bytes)
  })
})

describe('a result that is too large to be kept', { timeout: 60_000 }, () => {
  it('is lost, and its model is told that the call was carried out', async () => {
    const peer = await scripted({
      send: (_message, said) => later(300, () => said.answer({ result: text('x'.repeat(70_000)) })),
    })
    const at = await house(peer, { tasks: { resultBytesMax: 65_536 } })
    const { isError, content } = await plain(at, 'send')
    assert.equal(isError, true)
    assert.match(content[0].text, /^The call was carried out.*is lost/)
  })
})

describe('the same call again', { timeout: 60_000 }, () => {
  it('is a new call once its client was told that the first was cancelled', async () => {
    const slow = own(await openSlow())
    const at = await house(slow)
    const first = idIn(await plain(at, 'send'))
    await slow.next()
    assert.match(wordsOf(await plain(at, 'countersign_cancel', { id: first })), /^Cancelled/)
    const again = plain(at, 'send')
    const call = await slow.next()
    call.done('done')
    assert.equal(wordsOf(await again), 'done')
  })

  it('is the same for as long as nobody knows whether the first happened', async () => {
    const peer = await scripted({ send: (_message, said) => later(300, said.cut) })
    // Ten minutes are over at once.
    const world = worldWith({ 250: 20, 600_000: 1 })
    const at = await house(peer, { world, server: { callTimeoutMs: 60_000 } })
    const first = await plain(at, 'send')
    assert.match(wordsOf(first), /^Unknown outcome/)
    await systemWorld.wait(50)
    const again = await plain(at, 'send')
    assert.equal(idIn(again), idIn(first))
    assert.deepEqual(peer.counts, { send: 1 })
    const { desk } = at.house.gateway
    const task = await desk.look(idIn(first))
    assert.ok(task)
    const said = { kind: 'answered', server: 's', result: text('sent') } as const
    await desk.settle(task, { verdict: 'happened', result: said }, 'admin')
    assert.equal(wordsOf(await plain(at, 'countersign_result', { id: idIn(first) })), 'sent')
  })
})

describe('a question of a call that is a task', { timeout: 60_000 }, () => {
  it('may be looked at as often as one likes, and is answered by a retry of any of the looks', async () => {
    const slow = own(await openSlow())
    const at = await house(slow)
    const id = idIn(await plain(at, 'read', {}, { caps: ABLE }))
    const call = await slow.next()
    const answer = call.ask('elicitation/create', FORM)
    const look = (more: Wire = {}): Promise<Wire> =>
      plain(at, 'countersign_result', { id }, { caps: ABLE, ...more })
    let seen = await look()
    for (let looks = 0; looks < 70; looks++) seen = await look()
    assert.equal(seen.resultType, 'input_required')
    const [key = ''] = Object.keys(seen.inputRequests)
    const { requestState } = seen
    const inputResponses = { [key]: { action: 'accept', content: { name: 'ada' } } }
    const retry = look({ inputResponses, requestState })
    assert.deepEqual((await answer)['result'].content, { name: 'ada' })
    call.done('done')
    assert.equal(wordsOf(await retry), 'done')
    // Its answer got lost: the same once more, when the task is over.
    assert.equal(wordsOf(await look({ inputResponses, requestState })), 'done')
  })

  it('is not put to a client that cannot be asked, and waits for one that can', async () => {
    const slow = own(await openSlow())
    const at = await house(slow)
    const asker = await openSession(at.at('s'), '2025-11-25', { elicitation: {} })
    const made = await asker.request('tools/call', { name: 'read', task: {} })
    const { taskId } = made.message.result.task
    const call = await slow.next()
    const mute = await openSession(at.at('s'), '2025-11-25', {})
    const listening = await mute.begin('tasks/result', { taskId })
    const answer = call.ask('elicitation/create', FORM)
    await until('it asks', async () => {
      const { message } = await asker.request('tasks/get', { taskId })
      return message.result.status === 'input_required' || undefined
    })
    const unable = await asTask(at, 'tasks/get', { taskId })
    assert.equal(unable.result.inputRequests, undefined)
    assert.equal((await plain(at, 'countersign_result', { id: taskId })).resultType, 'complete')
    const asking = await asker.begin('tasks/result', { taskId })
    const question = await asking.message()
    assert.equal(question.method, 'elicitation/create')
    await asker.respond(question.id, { action: 'decline' })
    assert.equal((await answer)['result'].action, 'decline')
    call.done('done')
    const said = await listening.message()
    assert.equal(said.result?.content[0].text, 'done', JSON.stringify(said))
  })
})

describe('a restart', { timeout: 60_000 }, () => {
  it('keeps a result whose view is gone, and a look that waits for an answer', async () => {
    const slow = own(await openSlow())
    using folder = makeFolder()
    const plan = { data: folder.path, world: worldWith({ 250: 20 }) }
    const at = await house(slow, { ...plan, views: { team: { servers: ['s'] } } })
    const inTeam = { params: { name: 's_read', arguments: {} }, meta: envelope({}, WITH_TASKS) }
    const { json } = await ask(at.at('team'), modern('tools/call', inTeam))
    ;(await slow.next()).done('of the team')
    await ended(at, json.result.taskId)
    const id = idIn(await plain(at, 'read', { n: 1 }, { caps: ABLE }))
    void (await slow.next()).ask('elicitation/create', FORM)
    const seen = await plain(at, 'countersign_result', { id }, { caps: ABLE })
    assert.equal(seen.resultType, 'input_required')
    await open.pop()?.[Symbol.asyncDispose]()
    const again = await house(slow, plan)
    const { result } = await asTask(again, 'tasks/get', { taskId: json.result.taskId })
    assert.equal(wordsOf(result.result), 'of the team')
    const call = await slow.next()
    const { requestState } = seen
    const retry = plain(again, 'countersign_result', { id }, { caps: ABLE, requestState })
    call.done('after all')
    assert.equal(wordsOf(await retry), 'after all')
  })
})

describe(
  'asking after a call that failed because a page has to be opened',
  { timeout: 60_000 },
  () => {
    it('says so in words, and does not ask to open it for ever', async () => {
      const data = {
        elicitations: [
          { mode: 'url', url: 'https://a.example/', message: 'Open.', elicitationId: 'e' },
        ],
      }
      const error = { code: -32042, message: 'open a page', data }
      const peer = await scripted({
        read: (_message, said) => later(1_500, () => said.answer({ error })),
      })
      const at = await house(peer)
      const id = idIn(await plain(at, 'read', {}, { caps: ABLE }))
      const said = await plain(at, 'countersign_result', { id }, { caps: ABLE })
      assert.equal(said.resultType, 'complete')
      assert.match(wordsOf(said), /https:\/\/a\.example\//)
    })
  },
)
