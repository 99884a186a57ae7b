import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@countersign/contract'
import { systemWorld } from '#base'
import type { UpstreamTaskSeen } from '#upstream'
import { Conversation } from './conversation.ts'
import { lookAtTask } from './look.ts'
import type { Outcome } from './outcome.ts'

const SPEC = {
  id: 'jobs',
  transport: { kind: 'http', url: 'http://127.0.0.1:1/mcp', headers: {} },
  era: 'auto',
  start: 'demand',
  callTimeoutMs: 1_000,
  idleMs: 0,
  messageBytesMax: 1_000,
} as const

const working: UpstreamTaskSeen = {
  id: 'job 1',
  era: 'modern',
  status: 'working',
  pollMs: 700,
  message: undefined,
  inputs: {},
  end: undefined,
}

/** Looks at a task whose server answers with the next of these each time: a fault, or the task. */
function makeLooks(answers: readonly (Fault | UpstreamTaskSeen)[]) {
  const coming = answers.values()
  const never = (): Promise<never> => Promise.reject(new Error('not asked for here'))
  const see = async (): Promise<UpstreamTaskSeen> => {
    const { value } = coming.next()
    if (!value || value instanceof Fault) throw value ?? new Error('looked too often')
    return value
  }
  const upstream = { spec: SPEC, tasks: { see, result: never, update: never, cancel: never } }
  const said: string[] = []
  const client = { label: 'lab', owner: 'ada lab', capabilities: {}, clientInfo: undefined }
  const { signal } = new AbortController()
  const task = { input: { client }, signal, status: (words: string) => void said.push(words) }
  const conversation = new Conversation<Outcome>(systemWorld, () => new Promise(() => undefined))
  const live = { conversation, answered: new Map(), unreached: 0 }
  const look = () => lookAtTask(upstream, task, live, { id: 'job 1' })
  return { look, said }
}

const away = (): Fault => new Fault('upstream/unavailable', 'Server jobs is away.')

test('a server that cannot be asked after its task is left alone longer each time, to a bound', async () => {
  const { look, said } = makeLooks(Array.from({ length: 9 }, away))
  const waits: number[] = []
  for (let at = 0; at < 9; at++) {
    const looked = await look()
    if ('againMs' in looked) waits.push(looked.againMs / 1_000)
  }
  assert.deepEqual(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300])
  assert.equal(said[0], 'Server jobs is away. It is asked again.')
})

test('a server that answered is asked again as soon as ever when it cannot be reached after that', async () => {
  const { look } = makeLooks([away(), away(), working, away()])
  const looked = [await look(), await look(), await look(), await look()]
  assert.deepEqual(looked, [
    { againMs: 5_000 },
    { againMs: 10_000 },
    { againMs: 700 },
    { againMs: 5_000 },
  ])
})

test('a fault that is not of the server ends the look', async () => {
  const { look } = makeLooks([new Fault('task/unknown', 'There is no such task.')])
  await assert.rejects(look(), { code: 'task/unknown' })
})
