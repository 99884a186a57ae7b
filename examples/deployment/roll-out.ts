/** A blue/green rollout: each step knows how it is taken back, and a person has the last word. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { durableTool, type DurableContext } from '@countersign/sdk'
import { z } from 'zod'
import { build, remove, settingsSchema } from './build.ts'

const color = z.enum(['blue', 'green'])
type Color = z.output<typeof color>

const slot = z.object({ release: z.string(), port: z.int() }).nullable()
const stateSchema = z.object({ live: color, slots: z.object({ blue: slot, green: slot }) })
type State = z.output<typeof stateSchema>

/** How long an answer may take that only depends on programs. */
const PROMPT_MS = 10_000
/** How long the old version's last requests may take. */
const DRAIN_MS = 3_600_000
const HEALTH_RETRY = { tries: 4, firstMs: 100, maxMs: 1_000 }
/** Requests through the proxy that the new version must answer well. */
const PROBES = 5

const WHY = { no: 'The answer was no.', nobody: 'Nobody answered.' } as const

/** Tells the host in `folder` something; the same twice does nothing more. */
async function tell(folder: string, method: string, path: string): Promise<State> {
  const { admin } = z
    .object({ admin: z.url() })
    .parse(JSON.parse(await readFile(join(folder, 'host.json'), 'utf8')))
  const response = await fetch(new URL(path, admin), { method })
  if (!response.ok) throw new Error(`The host refused: ${await response.text()}`)
  return stateSchema.parse(await response.json())
}

interface Plan {
  readonly folder: string
  readonly old: string
  readonly release: string
  readonly from: Color
  readonly to: Color
}

export const rollOut = (folder: string) =>
  durableTool({
    name: 'roll_out',
    description:
      'Rolls a version out: starts it beside the old one, checks it, asks, switches everybody over, and stops the old one once nobody is left in it. Takes everything back when something fails or the answer is no.',
    input: settingsSchema,
    output: z.object({
      isLive: z.boolean(),
      release: z.string().describe('What everybody gets now.'),
      why: z.string(),
    }),
    effect: 'idempotent',
    undoOnFailure: true,
    async run(settings, task) {
      const { live: from, slots } = await task.step('look', () => tell(folder, 'GET', '/'))
      const old = slots[from]?.release ?? 'nothing'
      const release = await task.step('build', () => build(folder, settings), {
        undo: (made) => (made === old ? undefined : remove(folder, made)),
      })
      if (release === old) return { isLive: true, release, why: 'It is live already.' }
      const plan: Plan = { folder, old, release, from, to: from === 'blue' ? 'green' : 'blue' }
      await start(task, plan)
      const answer = await ask(task, plan)
      if (answer !== 'yes') {
        await task.undo()
        return { isLive: false, release: old, why: `${WHY[answer]} Everything was taken back.` }
      }
      await switchOver(task, plan)
      await retire(task, plan)
      return { isLive: true, release, why: 'It was healthy, and the answer was yes.' }
    },
  })

async function start(task: DurableContext, { folder, release, to }: Plan): Promise<void> {
  task.progress(1, 5, `starting ${release}`)
  // What is taken back is planned before it is done: a start that is cut off may have happened.
  await task.step('plan the start', () => release, {
    undo: () => tell(folder, 'DELETE', `/${to}/${release}`),
  })
  await task.step('start', () => tell(folder, 'PUT', `/${to}/${release}`), { timeoutMs: PROMPT_MS })
  task.progress(2, 5, `checking ${release}`)
  await task.step('check its health', () => checkHealth(folder, to), {
    retry: HEALTH_RETRY,
    timeoutMs: PROMPT_MS,
  })
}

async function checkHealth(folder: string, to: Color): Promise<string> {
  const { slots } = await tell(folder, 'GET', '/')
  const response = await fetch(`http://127.0.0.1:${String(slots[to]?.port)}/health`)
  if (!response.ok) throw new Error(`It is not healthy: it answered ${String(response.status)}.`)
  return await response.text()
}

async function ask(
  task: DurableContext,
  { release, from, to }: Plan,
): Promise<'yes' | keyof typeof WHY> {
  task.progress(3, 5, 'waiting for a person')
  const answer = await task.ask('switch', {
    message: `${release} is healthy in ${to}. Send everybody there, and stop what is in ${from}?`,
    schema: z.object({ yes: z.boolean().describe('Switch over') }),
  })
  if (answer.action === 'accept') return answer.value.yes ? 'yes' : 'no'
  // A client without a person at it cancels by itself: that is nobody's no, and still no yes.
  return answer.action === 'decline' ? 'no' : 'nobody'
}

async function switchOver(task: DurableContext, plan: Plan): Promise<void> {
  const { folder, old, release, from, to } = plan
  task.progress(4, 5, `switching to ${to}`)
  await task.step('plan the switch', () => to, {
    undo: () => tell(folder, 'PUT', `/${from}/${old}/live`),
  })
  await task.step('switch', () => tell(folder, 'PUT', `/${to}/${release}/live`), {
    timeoutMs: PROMPT_MS,
  })
  await task.step('check the traffic', () => checkTraffic(folder), { timeoutMs: PROMPT_MS })
}

async function checkTraffic(folder: string): Promise<number> {
  const { url } = z
    .object({ url: z.url() })
    .parse(JSON.parse(await readFile(join(folder, 'host.json'), 'utf8')))
  const answers = await Promise.all(Array.from({ length: PROBES }, () => fetch(url)))
  const bad = answers.filter(({ ok }) => !ok).length
  if (bad > 0)
    throw new Error(`${String(bad)} of ${String(PROBES)} requests failed after the switch.`)
  return answers.length
}

/** The old version goes when its last request is answered; until then it can be switched back to. */
async function retire(task: DurableContext, { folder, old, from }: Plan): Promise<void> {
  task.progress(5, 5, `waiting for the last requests in ${from}`)
  await task.step('drain', () => tell(folder, 'GET', `/${from}/drained`), { timeoutMs: DRAIN_MS })
  await task.step('stop the old one', () => tell(folder, 'DELETE', `/${from}/${old}`), {
    timeoutMs: PROMPT_MS,
  })
}
