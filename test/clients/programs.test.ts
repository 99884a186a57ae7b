/** Real agent programs from npm, each driven by a model that follows a script. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { openGateway, type Gateway } from './gateway.ts'
import { CANCEL, idIn, listedId, PENDING, RESULT } from './handle.ts'
import { nameOf, startModel, type Model, type Step } from './model/model.ts'
import type { Turn } from './model/wire.ts'
import { codex } from './programs/codex.ts'
import { gemini } from './programs/gemini.ts'
import { installPrograms } from './programs/install.ts'
import { opencode } from './programs/opencode.ts'
import { closeOutside } from './programs/outside.ts'
import { start, type Program, type Session } from './programs/program.ts'
import { answerOf } from './workshop.ts'

const BUILD = 'workshop_build'
const MEASURE = 'workshop_measure'

let modules = ''
before(async () => {
  modules = await installPrograms()
})

/** One conversation of the program with the scripted model, to its end. */
async function converse(
  program: Program,
  gateway: Gateway,
  script: readonly Step[],
  { callTimeoutMs, during }: Conversation = {},
): Promise<Model> {
  await using outside = await closeOutside()
  await using model = await startModel(script)
  const run = { modules, gateway: gateway.url, model: model.url, outside: outside.url }
  await using session = await start(program, { ...run, callTimeoutMs })
  await during?.(session)
  const { code, printed } = await session.ended
  assert.deepEqual(model.problems, [], printed)
  assert.deepEqual(outside.tried, [], 'it looked for something outside of this machine')
  if (during === undefined) assert.equal(code, 0, printed)
  return model
}

interface Conversation {
  readonly callTimeoutMs?: number
  /** Does something to the program while it runs; it need not end well then. */
  readonly during?: (session: Session) => Promise<void>
}

const textOf = (turn: Turn, at: number): string => turn.results[at]?.text ?? ''

/** The id in what the model was given for an earlier call. */
const idOf = (turn: Turn, at: number): string => {
  const id = idIn(textOf(turn, at))
  assert.ok(id !== undefined, `no id in: ${textOf(turn, at)}`)
  return id
}

/** Slow calls are answered within a second, so that a conversation takes no minutes. */
const SOON = {
  tasks: {
    after: '500 ms',
    hold: { 'codex-mcp-client': '1 s', opencode: '1 s', 'gemini-cli-mcp-client': '1 s' },
  },
}

async function callsThemAll(program: Program): Promise<void> {
  await using gateway = await openGateway(SOON)
  const { begun, jobs } = gateway.workshop
  const finish = async (label: string): Promise<void> => (await begun(label)).finish()
  const model = await converse(program, gateway, [
    { tool: 'workshop_look_up', arguments: { label: 'yarn' } },
    { tool: 'workshop_weigh', arguments: { label: 'yarn' } },
    { tool: BUILD, arguments: { label: 'barn' } },
    { tool: BUILD, arguments: { label: 'barn', ...program.adds } },
    { tool: PENDING },
    async (turn) => {
      await finish('barn')
      return { tool: RESULT, arguments: { id: idOf(turn, 2) } }
    },
    { tool: MEASURE, arguments: { label: 'beam' } },
    async (turn) => {
      await finish('beam')
      return { tool: RESULT, arguments: { id: idOf(turn, 6) } }
    },
    { tool: BUILD, arguments: { label: 'tower' } },
    (turn) => ({ tool: CANCEL, arguments: { id: idOf(turn, 8) } }),
  ])
  const [first] = model.turns
  for (const tool of ['look_up', 'weigh', 'build', 'measure']) {
    assert.ok(first && nameOf(first, `workshop_${tool}`), tool)
  }
  assert.match(JSON.stringify(first), /named \{server\}_\{tool\}/, 'our instructions')
  const result = first?.tools.find(({ name }) => name === nameOf(first, RESULT))
  assert.ok(result && /never|not/.test(result.description), 'it says that it does nothing')
  const said = (at: number): string => model.given()[at]?.text ?? ''
  assert.match(said(0), /Of "yarn" nothing is known\./)
  assert.match(said(1), /"grams":4/)
  assert.match(said(2), /Do not call workshop_build again/)
  const barn = idIn(said(2))
  assert.ok(barn !== undefined && idIn(said(3)) === barn, said(3))
  assert.ok(said(4).includes(barn), said(4))
  assert.ok(said(5).includes(answerOf('barn')), said(5))
  assert.match(said(6), /Do not call workshop_measure again/)
  assert.ok(said(7).includes(answerOf('beam')), said(7))
  assert.match(said(9), /[Cc]ancelled/)
  assert.deepEqual(
    jobs.map(({ label }) => label),
    ['barn', 'beam', 'tower'],
  )
  await jobs[2]?.abandoned
}

async function givesUpAndAsksAgain(program: Program): Promise<void> {
  // The program is less patient than the gateway takes it for.
  await using gateway = await openGateway({ tasks: { after: '500 ms' } })
  const script: readonly Step[] = [
    { tool: BUILD, arguments: { label: 'barn' } },
    { tool: BUILD, arguments: { label: 'barn' } },
    async (turn) => {
      ;(await gateway.workshop.begun('barn')).finish()
      return { tool: RESULT, arguments: { id: idOf(turn, 1) } }
    },
  ]
  const model = await converse(program, gateway, script, { callTimeoutMs: 4_000 })
  const [gone = '', handle = '', built = ''] = model.given().map(({ text }) => text)
  assert.equal(idIn(gone), undefined)
  assert.ok(idIn(handle) !== undefined)
  assert.ok(built.includes(answerOf('barn')), built)
  assert.equal(gateway.workshop.jobs.length, 1)
}

async function isKilledAndComesBack(program: Program): Promise<void> {
  await using gateway = await openGateway(SOON)
  const answered = Promise.withResolvers<void>()
  const first: readonly Step[] = [
    { tool: BUILD, arguments: { label: 'barn' } },
    () => {
      answered.resolve()
      return { tool: 'workshop_look_up', arguments: { label: 'barn' } }
    },
  ]
  await converse(program, gateway, first, {
    during: async (session) => {
      await Promise.race([answered.promise, session.ended])
      await session.kill()
    },
  })
  const [job] = gateway.workshop.jobs
  assert.equal(job?.isAbandoned(), false)
  job?.finish()
  const second: readonly Step[] = [
    { tool: PENDING },
    (turn) => ({ tool: RESULT, arguments: { id: listedId(textOf(turn, 0)) } }),
  ]
  const model = await converse(program, gateway, second)
  const [, built = ''] = model.given().map(({ text }) => text)
  assert.ok(built.includes(answerOf('barn')), built)
  assert.equal(gateway.workshop.jobs.length, 1)
}

describe('of the real agent programs', { concurrency: 2 }, () => {
  for (const program of [codex, opencode, gemini]) {
    const skip = !program.isForThisMachine && 'it is pinned for other machines than this one'
    describe(program.name, { skip, concurrency: false }, () => {
      test('is offered our tools, reads where to ask for a slow call, and is given its result', () =>
        callsThemAll(program))

      test('that gives up and asks again causes nothing twice, and is given the result', () =>
        givesUpAndAsksAgain(program))

      test('that is killed finds its request in the next session', () =>
        isKilledAndComesBack(program))
    })
  }
})
