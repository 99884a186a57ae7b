// Tasks as whoever keeps the house sees and changes them: the admin API, over real HTTP.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, Fault, TASKS_EXTENSION, type Admin } from '@countersign/contract'
import { makeFolder, openTestHouse, PROGRAMS, until, type TestHouse } from './house.ts'
import type { Loose } from './clients.ts'
import { ask, envelope, modern, type Wire } from './raw.ts'

type Detail = Awaited<ReturnType<Admin['getTask']>>

const WITH_TASKS = { extensions: { [TASKS_EXTENSION]: {} } }

describe('tasks over the admin API', { timeout: 60_000 }, () => {
  let folder: ReturnType<typeof makeFolder>
  let open: TestHouse
  let admin: Admin
  let file: string

  before(async () => {
    folder = makeFolder()
    file = join(folder.path, 'effects')
    const compensate = {
      tool: 'cancel_booking',
      arguments: { id: '$.result.structuredContent.id' },
    }
    open = await openTestHouse({
      tasks: { after: '100 ms' },
      servers: {
        bookings: {
          command: process.execPath,
          args: [PROGRAMS.bookings, file],
          era: 'legacy',
          tools: { book: { compensate } },
        },
      },
    })
    admin = connect(new URL(`http://127.0.0.1:${open.port}`), () => open.house.adminToken.reveal())
    await admin.listTools({})
  })
  after(async () => {
    await open[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })

  const effects = (): readonly string[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  const request = async (method: string, params: Loose, meta: Loose = {}): Promise<Wire> => {
    const asked = modern(method, { params, meta: envelope(meta, WITH_TASKS) })
    return (await ask(open.at(), asked)).json
  }
  /** Calls a tool; resolves with the id of the task it became. */
  const begin = async (tool: string, args: Loose, meta?: Loose): Promise<string> => {
    const { result } = await request(
      'tools/call',
      { name: `bookings_${tool}`, arguments: args },
      meta,
    )
    assert.equal(result.resultType, 'task')
    return result.taskId
  }
  const untilState = (id: string, state: Detail['state']): Promise<Detail> =>
    until(`${id} is ${state}`, async () => {
      const detail = await admin.getTask({ id })
      return detail.state === state ? detail : undefined
    })
  const told = async (id: string): Promise<Wire> =>
    (await request('tasks/get', { taskId: id })).result
  const untilSent = (mark: string): Promise<unknown> =>
    until(`${mark} was sent`, () => effects().includes(`hang ${mark}`))
  /** SIGKILL for the server, which is started again by the next call. */
  const killServer = async (): Promise<void> => {
    const pidOf = async (): Promise<number | undefined> => (await admin.listServers({}))[0]?.pid
    const pid = await until('the server runs', pidOf)
    process.kill(pid, 'SIGKILL')
    await until('the server is gone', async () => (await pidOf()) !== pid)
  }
  const refused = async (work: Promise<unknown>, code: string, says: RegExp): Promise<void> => {
    await assert.rejects(work, (thrown) => {
      assert.ok(thrown instanceof Fault)
      assert.equal(thrown.code, code)
      assert.match(thrown.message, says)
      return true
    })
  }

  it('shows a call that is under way, without what looks like a secret', async () => {
    const id = await begin('wait', { mark: 'w', apiKey: 'hush', nested: [{ password: 'hush' }] })
    const detail = await admin.getTask({ id })
    assert.equal(detail.state, 'working')
    assert.equal(detail.kind, 'call')
    assert.equal(detail.name, 'bookings_wait')
    assert.deepEqual(detail.arguments, {
      mark: 'w',
      apiKey: '[secret]',
      nested: [{ password: '[secret]' }],
    })
    assert.deepEqual(
      detail.calls.map(({ what, state, tries }) => [what, state, tries]),
      [['attempt', 'open', 1]],
    )
    assert.deepEqual(
      detail.journal.map(({ kind }) => kind),
      ['began', 'left'],
    )
    const { tasks } = await admin.listTasks({ states: 'working,waiting' })
    assert.ok(tasks.some((line) => line.id === id && line.tool === 'wait'))
    const cancelled = await admin.cancelTask({ id, reason: 'not needed' })
    assert.equal(cancelled.state, 'cancelled')
    assert.equal(cancelled.error?.message, 'not needed')
    assert.equal((await told(id)).status, 'cancelled')
    const entry = (await open.entries()).find(({ kind }) => kind === 'task.cancelled')
    assert.equal(entry?.body['by'], 'admin')
    assert.equal(entry?.body['reason'], 'not needed')
  })

  it('a write that was cut off is settled: it happened, try again, give up', async () => {
    const marks = ['a', 'b', 'c']
    const ids = await Promise.all(marks.map((mark) => begin('hang', { mark })))
    const [happened = '', again = '', never = ''] = ids
    for (const mark of marks) await untilSent(mark)
    await killServer()
    for (const id of ids) {
      // oxlint-disable-next-line eslint/no-await-in-loop
      const { calls } = await untilState(id, 'unknown')
      assert.equal(calls[0]?.state, 'unknown')
      // oxlint-disable-next-line eslint/no-await-in-loop
      await refused(admin.cancelTask({ id }), 'task/illegal', /unknown.*settle/)
      // oxlint-disable-next-line eslint/no-await-in-loop
      await refused(admin.undoTask({ id }), 'task/illegal', /Nothing was undone.*Settle/)
    }
    assert.match((await told(happened)).statusMessage, /Unknown outcome/)

    await admin.settleTask({ id: happened, verdict: 'happened', result: 'Seen in the book.' })
    const { result } = await untilState(happened, 'completed')
    assert.deepEqual(result, { content: [{ type: 'text', text: 'Seen in the book.' }] })
    assert.equal((await told(happened)).result.content[0].text, 'Seen in the book.')

    await admin.settleTask({ id: again, verdict: 'retry' })
    await untilState(again, 'completed')
    assert.equal((await told(again)).result.content[0].text, 'hang b done')

    const reason = 'The book is lost.'
    const abandoned = await admin.settleTask({ id: never, verdict: 'abandon', reason })
    assert.equal(abandoned.state, 'failed')
    const failed = await told(never)
    assert.equal(failed.status, 'failed')
    assert.match(failed.error.message, /The book is lost/)

    const hung = effects().filter((line) => line.startsWith('hang'))
    assert.deepEqual(hung.toSorted(), ['hang a', 'hang b', 'hang b', 'hang c'])
    const settled = (await open.entries()).filter(({ kind }) => kind === 'task.settled')
    assert.deepEqual(
      settled.map(({ body }) => [body['verdict'], body['reason']]),
      [
        ['happened', undefined],
        ['retry', undefined],
        ['abandon', reason],
      ],
    )
    for (const id of ids) {
      const settle = admin.settleTask({ id, verdict: 'retry' })
      // oxlint-disable-next-line eslint/no-await-in-loop
      await refused(settle, 'task/illegal', /already: there is nothing to settle/)
      // oxlint-disable-next-line eslint/no-await-in-loop
      await refused(admin.cancelTask({ id }), 'task/illegal', /already: there is nothing to cancel/)
    }
    await refused(admin.undoTask({ id: never }), 'task/illegal', /ended with an error/)
  })

  it('a completed call is taken back once, by a governed call in the ledger', async () => {
    const id = await begin('book', { mark: 'single' })
    await untilState(id, 'completed')
    const undoing = await admin.undoTask({ id })
    assert.equal(undoing.kind, 'undo')
    assert.deepEqual(undoing.undoes, [id])
    const done = await untilState(undoing.id, 'completed')
    assert.deepEqual(done.undoing, [
      { task: id, server: 'bookings', tool: 'book', state: 'undone' },
    ])
    assert.equal((await admin.undoTask({ id })).id, undoing.id)
    assert.equal((await admin.getTask({ id })).undoneBy, undoing.id)
    const undone = effects().filter((line) => line === 'cancel_booking id-single')
    assert.equal(undone.length, 1)
    const { call } = await admin.getTask({ id })
    const entries = (await open.entries()).filter(
      ({ body }) => body['client'] === `undo of ${call}`,
    )
    assert.deepEqual(
      entries.map(({ kind, body }) => [kind, body['name'], body['principal']]),
      [['call.opened', 'cancel_booking', 'local']],
    )
    await refused(admin.undoTask({ id: undoing.id }), 'task/illegal', /cannot be taken back/)
    const ended = (await open.entries()).filter(
      ({ kind, body }) => kind === 'task.ended' && body['task'] === id,
    )
    assert.equal(ended.length, 1, 'reading a call again to take it back ends it no second time')
  })

  it('a run is taken back in reverse order, once none of it is under way', async () => {
    const meta = { 'dev.countersign/run': 'trip' }
    const first = await begin('book', { mark: 'flight' }, meta)
    await untilState(first, 'completed')
    const slow = await begin('wait', { mark: 'trip' }, meta)
    await refused(admin.undoRun({ run: 'trip' }), 'task/illegal', /is not over yet/)
    await admin.cancelTask({ id: slow })
    const second = await begin('book', { mark: 'hotel' }, meta)
    await untilState(second, 'completed')
    const { id } = await admin.undoRun({ run: 'trip' })
    const { undoing, kind } = await untilState(id, 'completed')
    assert.equal(kind, 'undo-run')
    assert.deepEqual(
      undoing?.map(({ task, state }) => [task, state]),
      [
        [second, 'undone'],
        [slow, 'nothing'],
        [first, 'undone'],
      ],
    )
    assert.deepEqual(effects().slice(-2), ['cancel_booking id-hotel', 'cancel_booking id-flight'])
    assert.equal((await admin.undoRun({ run: 'trip' })).id, id)
    await refused(admin.undoRun({ run: 'no such run' }), 'task/unknown', /nothing was undone/)
    // What takes calls back is listed, and is no call of its client's.
    const { tasks } = await admin.listTasks({ run: 'trip' })
    assert.deepEqual(tasks.map((line) => line.kind).toSorted(), [
      'call',
      'call',
      'call',
      'undo',
      'undo',
      'undo',
      'undo-run',
    ])
    const pending = await request('tools/call', { name: 'countersign_pending', arguments: {} })
    assert.doesNotMatch(pending.result.content[0].text, new RegExp(id))
  })

  it('a call without its counterpart says why it cannot be taken back', async () => {
    const id = await begin('wait', { mark: 'no' })
    await refused(admin.undoTask({ id }), 'task/illegal', /is not over yet/)
    await admin.cancelTask({ id })
    await refused(admin.undoTask({ id }), 'task/illegal', /whether it acted has to be looked up/)
    const hung = await begin('hang', { mark: 'once' })
    await untilSent('once')
    await killServer()
    await untilState(hung, 'unknown')
    await admin.settleTask({ id: hung, verdict: 'happened' })
    const { result } = await untilState(hung, 'completed')
    assert.deepEqual(result, {
      content: [{ type: 'text', text: 'A person checked: it happened.' }],
    })
    await refused(admin.undoTask({ id: hung }), 'task/illegal', /tools\.hang\.compensate/)
  })

  it('a call whose server cannot be reached waits, and is cancelled there', async () => {
    await untilState(await begin('book', { mark: 'awake' }), 'completed')
    writeFileSync(`${file}.down`, '')
    await killServer()
    const id = await begin('book', { mark: 'later' })
    const { calls } = await until('it waits for another try', async () => {
      const detail = await admin.getTask({ id })
      return detail.calls[0]?.state === 'retrying' ? detail : undefined
    })
    assert.ok(calls[0]?.until !== undefined)
    assert.ok(calls[0].error)
    const { state } = await admin.cancelTask({ id })
    assert.equal(state, 'cancelled')
    rmSync(`${file}.down`)
    assert.ok(!effects().includes('book later'))
  })

  it('pages through tasks, by state, owner and run', async () => {
    const all: string[] = []
    let cursor: string | undefined
    do {
      // oxlint-disable-next-line eslint/no-await-in-loop
      const page = await admin.listTasks({ limit: 3, ...(cursor ? { cursor } : {}) })
      assert.ok(page.tasks.length <= 3)
      all.push(...page.tasks.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== undefined)
    const { tasks } = await admin.listTasks({ limit: 500 })
    assert.deepEqual(
      all,
      tasks.map(({ id }) => id),
    )
    assert.deepEqual((await admin.listTasks({ owner: 'nobody' })).tasks, [])
    const failed = await admin.listTasks({ states: 'failed' })
    assert.deepEqual(
      failed.tasks.map(({ state }) => state),
      ['failed'],
    )
    await refused(admin.listTasks({ cursor: 'nonsense' }), 'call/bad-cursor', /cursor/i)
    await refused(admin.listTasks({ states: 'asleep' }), 'rpc/envelope', /malformed/)
  })

  it('refuses ids that are none, strangers, and other verbs', async () => {
    for (const id of ['x', '../../etc', `task_${'A'.repeat(22)}`, '"', 'task_ä']) {
      const verdict = 'retry'
      // oxlint-disable-next-line eslint/no-await-in-loop
      await refused(admin.getTask({ id }), 'task/unknown', /no task/)
      // oxlint-disable-next-line eslint/no-await-in-loop
      await refused(admin.cancelTask({ id }), 'task/unknown', /no task/)
      // oxlint-disable-next-line eslint/no-await-in-loop
      await refused(admin.settleTask({ id, verdict }), 'task/unknown', /no task/)
      // oxlint-disable-next-line eslint/no-await-in-loop
      await refused(admin.undoTask({ id }), 'task/unknown', /no task/)
    }
    await refused(admin.getTask({ id: 'x'.repeat(65) }), 'rpc/envelope', /malformed/)
    const url = new URL('/admin/task/cancel', open.at())
    const authorization = `Bearer ${open.house.adminToken.reveal()}`
    const post = (headers: Record<string, string>, body: string): Promise<Wire> =>
      ask(url, { headers: { 'content-type': 'application/json', ...headers }, body })
    assert.equal((await post({}, '{"id":"x"}')).status, 401)
    assert.equal((await post({ authorization: 'Bearer no' }, '{"id":"x"}')).status, 401)
    assert.equal((await post({ authorization }, '{"id":"x"}')).status, 404)
    assert.equal((await post({ authorization }, '{"id":')).status, 400)
    assert.equal((await post({ authorization }, '{"id":"x","more":1}')).status, 400)
    assert.equal((await ask(url, { method: 'GET', headers: { authorization } })).status, 405)
  })
})
