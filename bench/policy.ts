// `npm run bench -- policy`: what a list and a call cost under many policies; kept in reports/policy.md.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { loadCedar, type Cedar } from '../packages/server/src/policy/cedar.ts'
import { makeEngine, type PolicyEngine } from '../packages/server/src/policy/engine.ts'
import { clockOf } from '../packages/server/src/policy/moment.ts'
import { parseSet } from '../packages/server/src/policy/parse-set.ts'
import type { Question } from '../packages/server/src/policy/question.ts'
import { machine, writtenBy } from './machine.ts'
import { policyText, SERVERS, TOOLS } from './policy-text.ts'
import { markdownTable, textTable } from './text-table.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COUNTS = [5, 50, 500]
const CALLS = 500

const ARGUMENTS =
  '@id("args") forbid(principal, action == Action::"call", resource) unless { context.arguments.text.hasTag("path") && context.arguments.text.getTag("path") like "/home/*" };'

const momentAt = clockOf('UTC')
const question = (at: number): Question => ({
  principal: {
    type: 'User',
    id: 'https://idp.example#ada',
    subject: 'ada',
    issuer: 'https://idp.example',
    groups: Array.from({ length: 20 }, (_, group) => `team${String(2 * group)}`),
  },
  action: 'call',
  resource: { type: 'Tool', server: `s${String(at % SERVERS)}`, name: `t${String(at % 20)}` },
  effect: at % 4 === 0 ? 'write' : 'read',
  digest: `sha256:${String(at)}`,
  view: '',
  scopes: ['s1:write', 's2:write'],
  agents: ['client'],
  delegation: 0,
  proof: 'bearer',
  moment: momentAt(0),
  arguments: { path: '/home/ada/notes.txt', text: 'x'.repeat(200) },
})

const timed = (work: () => void): number => {
  const startedAt = performance.now()
  work()
  return performance.now() - startedAt
}

function list(engine: PolicyEngine): void {
  for (let at = 0; at < TOOLS; at++) {
    const { arguments: _none, ...line } = question(at)
    engine.isListed(line)
  }
}

function call(engine: PolicyEngine): void {
  for (let at = 0; at < CALLS; at++) engine.judge(question(at))
}

function engineOf(cedar: Cedar, text: string, name: string): PolicyEngine {
  const { policies, mistakes } = parseSet(cedar, [{ name, text }])
  if (mistakes.length > 0) throw new Error(JSON.stringify(mistakes[0]))
  return makeEngine(cedar, name, policies)
}

const ms = (value: number): string => value.toFixed(1)
const us = (value: number, calls: number): string => ((value * 1_000) / calls).toFixed(0)

export async function run(): Promise<number> {
  const cedar = await loadCedar()
  const rows = COUNTS.map((count) => {
    const text = policyText(count)
    let engine = engineOf(cedar, text, `warm ${String(count)}`)
    const readMs = timed(() => {
      engine = engineOf(cedar, text, `bench ${String(count)}`)
    })
    const firstMs = timed(() => list(engine))
    engine.forget()
    const secondMs = timed(() => list(engine))
    const thirdMs = timed(() => list(engine))
    call(engine)
    const callMs = timed(() => call(engine))
    const looking = engineOf(cedar, `${text}\n${ARGUMENTS}`, `looking ${String(count)}`)
    call(looking)
    const lookingMs = timed(() => call(looking))
    const afreshMs = timed(() => {
      for (let at = 0; at < 50; at++) engine.judgeAfresh(question(at))
    })
    return [
      String(count),
      ms(readMs),
      ms(firstMs),
      ms(secondMs),
      ms(thirdMs),
      us(callMs, CALLS),
      us(lookingMs, CALLS),
      us(afreshMs, 50),
    ]
  })
  const head = [
    'policies',
    'read and check, ms',
    'first list, ms',
    'forgotten, ms',
    'remembered, ms',
    'call, µs',
    'looking at arguments, µs',
    'whole set, µs',
  ]
  const table = [head, ...rows]
  const reports = join(ROOT, 'bench', 'reports')
  writeFileSync(join(reports, 'policy.md'), markdown(table, reports))
  process.stdout.write(`${ABOUT}\n\n${textTable(table)}\n`)
  return 0
}

const ABOUT = `A list of ${String(TOOLS)} tools on ${String(SERVERS)} servers, and one call.`

const markdown = (table: readonly (readonly string[])[], reports: string): string =>
  [
    '# Lists and calls under many policies',
    writtenBy('policy', machine(ROOT, reports)),
    ABOUT,
    markdownTable(table),
    `*First*: nothing is known of the policies yet. *Forgotten*: what was decided is asked anew, as after a
change. *Remembered*: as nearly every list is served. *Whole set*: without slices, which is what decisions are
held against in tests.`,
  ].join('\n\n') + '\n'
