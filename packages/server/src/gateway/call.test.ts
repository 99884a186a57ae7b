import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, textAt } from '@countersign/contract'
import { systemWorld } from '#base'
import { noPayloads } from '#audit'
import { noStanding } from '#approvals'
import { noQuotas, noRuns, PLAIN_APPROVALS } from '#policy'
import { noRedaction } from '#redaction'
import { noTelemetry } from '#telemetry'
import type { Upstream } from '#upstream'
import type { Asked, Client } from './asked.ts'
import { NO_PAGES } from './connect-pages.ts'
import { call, type CallRooms } from './call.ts'

const who = { id: 'ada', proof: 'local' } as const

function asked(effect: 'read' | 'write'): Asked {
  const annotations = effect === 'read' ? { readOnlyHint: true } : { destructiveHint: false }
  const definition = {
    server: 'files',
    kind: 'tool',
    name: 'rm',
    digest: 'sha256:1',
    body: { name: 'rm', annotations },
  } as const
  const exposed = { name: 'files_rm', body: definition.body, definition, paramHeaders: [] }
  const found = { server: 'files', name: 'rm', exposed }
  const view = { id: '', servers: ['files'], find: () => found } as unknown as Asked['view']
  return {
    call: 'call_1',
    view,
    method: 'tools/call',
    params: { name: 'files_rm', arguments: { path: '/tmp/x' } },
    round: { number: 1 },
  }
}

const client = {
  label: 'test',
  questions: () => 'live',
  owner: 'ada',
  capabilities: {},
  signal: AbortSignal.abort(),
} as unknown as Client

function rooms(send: Upstream['call'], written: string[] = []): CallRooms {
  return {
    world: systemWorld,
    policy: {
      decide: (_who, judged) => ({ kind: 'allow', permitted: judged, policies: ['permit-all'] }),
    },
    ledger: {
      open: async (facts) => {
        written.push(`opened ${facts.server}/${facts.name} ${facts.effect}`)
        const { call: id, effect } = facts
        return { call: id, effect, leaf: '', seq: undefined, isClosed: false, isMarked: false }
      },
      close: async (_entry, facts) => void written.push(`closed ${facts.outcome}`),
      note: async () => undefined,
      read: async () => [],
      of: async () => [],
      named: async () => [],
      inRun: async () => [],
      recover: async () => [],
      owed: () => 0,
    },
    approvals: {
      find: async () => undefined,
      lapse: async () => undefined,
      use: async () => undefined,
      groupsOf: () => [],
      settings: PLAIN_APPROVALS,
      lapsed: async () => undefined,
    },
    rules: () => ({}),
    standing: noStanding,
    runs: noRuns,
    payloads: noPayloads,
    quotas: noQuotas,
    stopped: () => undefined,
    redaction: noRedaction,
    telemetry: noTelemetry,
    connects: NO_PAGES,
    upstream: () => {
      const introduce = async (): Promise<void> => undefined
      return { spec: { id: 'files' }, introduce, call: send } as unknown as Upstream
    },
    relist: async () => undefined,
    onEnd: () => undefined,
  }
}

test('an entry stands before the effect and is closed after it', async () => {
  const written: string[] = []
  const send: Upstream['call'] = async (outgoing) => {
    written.push(`sent ${textAt(outgoing.params, 'name')}`)
    return { kind: 'result', result: { content: [] } }
  }
  const outcome = await call(rooms(send, written), who, asked('write'), client)
  assert.equal(outcome.kind, 'answered')
  assert.deepEqual(written, ['opened files/rm write', 'sent rm', 'closed answered'])
})

test('nothing is sent when the entry cannot be written', async () => {
  const broken = rooms(async () => assert.fail('reached the server'))
  const ledger = {
    ...broken.ledger,
    open: async () => {
      throw new Fault('ledger/unavailable', 'The disk is full.')
    },
  }
  await assert.rejects(call({ ...broken, ledger }, who, asked('write'), client), {
    code: 'ledger/unavailable',
  })
})

test('a denied call never reaches the server, and is written down twice', async () => {
  const written: string[] = []
  const denying = {
    ...rooms(async () => assert.fail('reached the server'), written),
    policy: { decide: () => ({ kind: 'deny', because: 'Owners only.', policies: ['p'] }) as const },
  }
  const outcome = await call(denying, who, asked('write'), client)
  assert.equal(outcome.kind === 'refused' && outcome.fault.code, 'policy/denied')
  assert.deepEqual(written, ['opened files/rm write', 'closed refused'])
})

const breaks: Upstream['call'] = async () => {
  throw new Fault('upstream/broken', 'files closed the connection.')
}
const down: Upstream['call'] = async () => {
  throw new Fault('upstream/unavailable', 'files does not answer.')
}

test('a write whose connection broke after sending is of unknown outcome, a read just failed', async () => {
  const write = await call(rooms(breaks), who, asked('write'), client)
  assert.equal(write.kind === 'refused' && write.fault.code, 'call/unknown-outcome')
  const read = await call(rooms(breaks), who, asked('read'), client)
  assert.equal(read.kind === 'refused' && read.fault.code, 'upstream/broken')
})

test('what never left for the server is not of unknown outcome, even a write', async () => {
  const outcome = await call(rooms(down), who, asked('write'), client)
  assert.equal(outcome.kind === 'refused' && outcome.fault.code, 'upstream/unavailable')
})

/** What a server is sent that finds no call fitting, while its tools are `digest` when read again. */
async function sentTo(digest: string): Promise<{
  readonly sent: number
  readonly code: string | undefined
  readonly judged: readonly (string | undefined)[]
}> {
  const first = asked('write')
  const found = first.view.find('tool', 'files_rm')
  assert.ok(found?.exposed)
  const definition = { ...found.exposed.definition, digest }
  const renewed = { ...found, exposed: { ...found.exposed, definition } }
  let isRenewed = false
  const view = { ...first.view, find: () => (isRenewed ? renewed : found) }
  let sent = 0
  const picky: Upstream['call'] = async () => {
    sent++
    return { kind: 'mismatch' }
  }
  const relist = async (): Promise<void> => {
    isRenewed = true
  }
  const judged: (string | undefined)[] = []
  const given = rooms(picky)
  const policy: CallRooms['policy'] = {
    decide: (_who, target) => {
      judged.push(target.digest)
      return { kind: 'allow', permitted: target, policies: [] }
    },
  }
  const outcome = await call({ ...given, policy, relist }, who, { ...first, view }, client)
  return { sent, judged, code: outcome.kind === 'refused' ? outcome.fault.code : undefined }
}

// F-025
test('a call that did not fit is judged and written down anew, and sent once more', async () => {
  const { sent, code, judged } = await sentTo('sha256:2')
  assert.deepEqual({ sent, code }, { sent: 2, code: 'upstream/unavailable' })
  assert.deepEqual(judged, ['sha256:1', 'sha256:2'])
})

test('what waited for a connection is not sent when it was stopped meanwhile', async () => {
  let at = 0
  let isStopped = false
  let sent = 0
  const all = rooms(async () => {
    sent++
    return { kind: 'result', result: { content: [] } }
  })
  const reached = all.upstream('files', who)
  const stoppable: CallRooms = {
    ...all,
    world: { ...systemWorld, monotonic: () => at },
    policy: {
      decide: (_who, judged) =>
        isStopped
          ? { kind: 'deny', because: 'stopped', policies: ['brake:1'] }
          : { kind: 'allow', permitted: judged, policies: ['permit-all'] },
    },
    upstream: () => ({
      ...reached,
      introduce: (signal) => {
        isStopped = true
        at += 1_000
        return reached.introduce(signal)
      },
    }),
  }
  const outcome = await call(stoppable, who, asked('write'), client)
  assert.equal(outcome.kind === 'refused' && outcome.fault.code, 'policy/denied')
  assert.equal(sent, 0)
})

test('what waited for a connection waits for people when the policies ask by then', async () => {
  for (const isLifted of [false, true]) {
    let at = 0
    let sent = 0
    const all = rooms(async () => {
      sent++
      return DONE
    })
    const reached = all.upstream('files', who)
    const ask = {
      kind: 'ask',
      because: 'It needs a yes.',
      policies: ['p'],
      asks: [{ group: 'sre', quorum: 1, policies: ['p'] }],
    } as const
    const lift = {
      approved: { groups: ['sre'], people: 1 },
      told: {},
      spend: async () => undefined,
    }
    const changing: CallRooms = {
      ...all,
      world: { ...systemWorld, monotonic: () => at },
      standing: { ...noStanding, find: async () => (isLifted ? lift : undefined) },
      policy: {
        decide: (_who, judged, { approval }) =>
          approval || (at === 0 && !isLifted)
            ? { kind: 'allow', permitted: judged, policies: ['p'] }
            : ask,
      },
      upstream: () => ({
        ...reached,
        introduce: (signal) => {
          at += 1_000
          return reached.introduce(signal)
        },
      }),
    }
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each is a story of its own.
    const outcome = await call(changing, who, asked('write'), client)
    assert.deepEqual([outcome.kind, sent], isLifted ? ['answered', 1] : ['asks', 0])
  }
})

test('a brake that is pulled while somebody is asked stops the round that would follow', async () => {
  // BK-001
  let isStopped = false
  let sent = 0
  const given = rooms(async () => {
    sent++
    const params = { mode: 'form', message: 'Sure?' }
    const question = { method: 'elicitation/create', params } as const
    return { kind: 'input', inputRequests: { sure: question }, requestState: 'x' } as const
  })
  const asking = { ...given, stopped: () => (isStopped ? stop : undefined) }
  const ask: Client['ask'] = async () => {
    isStopped = true
    return { kind: 'result', result: { action: 'accept', content: {} } }
  }
  const capabilities = { elicitation: { form: {} } }
  const outcome = await call(asking, who, asked('write'), { ...client, capabilities, ask })
  assert.equal(outcome.kind === 'refused' && outcome.fault.message, stop.message)
  assert.equal(sent, 1)
})

const DONE = { kind: 'result', result: { content: [] } } as const
const stop = new Fault('policy/denied', 'Nothing was executed. Everything was stopped: fire.')

test('a call that waits for a limit or a yes is stopped in the last moment, and costs nothing', async () => {
  // BK-001, QU-001
  for (const waits of ['quota', 'spend'] as const) {
    const gate = Promise.withResolvers<void>()
    const given = rooms(async () => assert.fail('reached the server'))
    let isStopped = false
    const left: boolean[] = []
    const asking: CallRooms = {
      ...given,
      stopped: () => (isStopped ? stop : undefined),
      quotas: {
        enter: async () => {
          if (waits === 'quota') await gate.promise
          return { kind: 'in', leave: (hasLeft) => void left.push(hasLeft) }
        },
      },
    }
    const leaving = async (): Promise<void> => {
      if (waits === 'spend') await gate.promise
    }
    const called = call(asking, who, asked('write'), { ...client, leaving })
    await new Promise(setImmediate)
    isStopped = true
    gate.resolve()
    const outcome = await called
    assert.equal(outcome.kind === 'refused' && outcome.fault.message, stop.message)
    assert.deepEqual(left, [false])
  }
})

test('a call is given back to its limits when it certainly did not happen, and else not', async () => {
  // QU-001
  for (const [send, expected] of [
    [async () => DONE, true],
    [breaks, true],
    [down, false],
  ] as const) {
    const left: boolean[] = []
    const quotas = {
      enter: () => ({ kind: 'in', leave: (hasLeft: boolean) => void left.push(hasLeft) }) as const,
    }
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each is a story of its own.
    await call({ ...rooms(send), quotas }, who, asked('write'), client)
    assert.deepEqual(left, [expected])
  }
})

test('a limit that is used up is refused in the entry, by its name', async () => {
  const closings: unknown[] = []
  const given = rooms(async () => assert.fail('reached the server'))
  const data = { quota: 'nightly' }
  const full = { kind: 'full', fault: new Fault('quota/exhausted', 'Used up.', { data }) } as const
  await call(
    {
      ...given,
      quotas: { enter: () => full },
      onEnd: ({ closing: { durationMs: _ms, ...closing } }) => void closings.push(closing),
    },
    who,
    asked('write'),
    client,
  )
  assert.deepEqual(closings, [{ outcome: 'refused', reason: 'quota/exhausted', quota: 'nightly' }])
})
