// Every sentence that we owe has a proof, or says why it has none. Citations are ids in test files.

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { REQUIREMENTS, type Requirement } from './requirements.ts'
import { BY_CONFORMANCE } from './requirements/by-conformance.ts'
import { SOURCES } from './requirements/sources.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** P-256 and its like are curves. */
const ID =
  /\b(?!P-(?:256|384|521)\b)(?:(?:[HSVFILPQ]|AU|BK|ND|PV|QU|TE|TL|TX|PO|CF|BR|AM|EV)-\d{2,3}|(?:RS|AS|OC|WI|SC|SS|DP|GV|AT|CO)\d{1,2}b?)\b/g

/** How many rows each section has; a row is neither lost nor slipped in unnoticed. */
const FROZEN = {
  H: 89,
  S: 23,
  V: 37,
  F: 46,
  I: 38,
  L: 17,
  P: 17,
  AU: 33,
  ND: 12,
  TE: 12,
  TL: 36,
  TX: 34,
  PO: 46,
  QU: 6,
  BK: 5,
  PV: 7,
  RS: 31,
  SC: 5,
  AT: 8,
  DP: 12,
  SS: 9,
  GV: 6,
  AS: 42,
  OC: 28,
  WI: 11,
  CO: 9,
  CF: 8,
  BR: 41,
  AM: 40,
  EV: 20,
  Q: 60,
}

const TESTS = [
  'packages/*/{src,test}/**/*.test.ts',
  'packages/*/test/**/*.ts',
  'test/conformance/*.ts',
  'test/*.test.ts',
]
const SOURCE_FILES = ['packages/*/src/**/*.ts']

/** Where each id is cited: a path for each file. */
function citations(globs: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const path of globSync(globs, { cwd: ROOT })) {
    const ids = readFileSync(`${ROOT}/${path}`, 'utf8').match(ID) ?? []
    for (const id of new Set(ids)) found.set(id, [...(found.get(id) ?? []), path])
  }
  return found
}

const rows = new Map(REQUIREMENTS.map((row) => [row.id, row]))
const tests = citations(TESTS)
const cited = (id: string): boolean => tests.has(id) || Object.hasOwn(BY_CONFORMANCE, id)
const here = (...levels: readonly Requirement['level'][]): readonly Requirement[] =>
  REQUIREMENTS.filter(({ level, scope }) => scope === 'here' && levels.includes(level))
const isMild = ({ level }: Requirement): boolean => level === 'MAY' || level === 'REC'
const ofAuthorization = REQUIREMENTS.filter(
  ({ id, scope }) => scope === 'here' && /^(?:RS|SC|AT|DP|SS|GV|AS|OC|WI|CO)\d/.test(id),
)
const told = (list: readonly Requirement[]): readonly string[] =>
  list.map(({ id, says }) => `${id}: ${says}`)

test('each row is there once, in a section of frozen size', () => {
  assert.equal(rows.size, REQUIREMENTS.length)
  const sizes = Object.keys(FROZEN).map((section) => [
    section,
    REQUIREMENTS.filter(({ id }) => /^[A-Z]+/.exec(id)?.[0] === section).length,
  ])
  assert.deepEqual(Object.fromEntries(sizes), FROZEN)
})

test('each row is short, and its source is known', () => {
  for (const { id, says, source } of REQUIREMENTS) {
    assert.ok(says.length > 10 && says.length <= 90, `${id} has ${says.length} characters`)
    const key = /^SEP(?=-\d)|^[A-Za-z0-9]+/.exec(source)?.[0] ?? ''
    const isRow = rows.has(source.split(/[;,] /, 1)[0] ?? '')
    assert.ok(isRow || Object.hasOwn(SOURCES, key), `${id}: ${source}`)
  }
})

test('what must hold here is cited by a test', () => {
  const missing = here('MUST', 'MUSTN', 'SUITE').filter(({ id }) => !cited(id))
  assert.deepEqual(told(missing), [])
})

test('what should hold here is cited by a test, or says why it is not', () => {
  const open = here('SHOULD', 'SHOULDN').filter(({ id, unproven }) => !cited(id) && !unproven)
  assert.deepEqual(told(open), [])
})

test('of authorization each row that applies is cited, whatever its level, or says why not', () => {
  const open = ofAuthorization.filter(({ id, unproven }) => !cited(id) && !unproven)
  assert.deepEqual(told(open), [])
})

test('an excuse is given only where it is needed', () => {
  const excused = REQUIREMENTS.filter(({ unproven }) => unproven !== undefined)
  const should = [...here('SHOULD', 'SHOULDN'), ...ofAuthorization.filter(isMild)]
  assert.deepEqual(told(excused.filter((row) => cited(row.id) || !should.includes(row))), [])
})

test('only rows of the table are cited, in tests and in the code', () => {
  const all = [...tests, ...citations(SOURCE_FILES)]
  assert.deepEqual(
    all.filter(([id]) => !rows.has(id)),
    [],
  )
})

interface Run {
  readonly target: string
  readonly upstream: string
  readonly revision: string
  readonly scenario: string
  readonly transport?: string
  readonly passed: number
  readonly failed: number
}

const REPORT = `${ROOT}/test/conformance/report.json`
const report: readonly Run[] = existsSync(REPORT) ? JSON.parse(readFileSync(REPORT, 'utf8')) : []

test(
  'what the official suite proves, it has proved through us',
  { skip: report.length === 0 },
  () => {
    const unproven = Object.entries(BY_CONFORMANCE).flatMap(([id, scenarios]) =>
      scenarios.flatMap((scenario) => {
        const runs = report.filter((run) => run.target === 'gateway' && run.scenario === scenario)
        const own = runs.filter(
          (run) => run.revision === run.upstream && run.transport === undefined,
        )
        const isProven =
          own.some(({ passed }) => passed > 0) && own.every(({ failed }) => failed === 0)
        return isProven ? [] : [`${id}: ${scenario}`]
      }),
    )
    assert.deepEqual(unproven, [])
  },
)

test('the suite is one that judges results of tasks rightly', () => {
  // CF-003: up to alpha.11 it validates a created task as the result of a call.
  const { devDependencies } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'))
  const version: string = devDependencies['@modelcontextprotocol/conformance']
  const alpha = /^0\.2\.0-alpha\.(\d+)$/.exec(version)?.[1]
  assert.ok(alpha === undefined ? !/^0\.[01]\./.test(version) : Number(alpha) >= 12, version)
})

test(
  'the suite asks both requirement sets of one server through us',
  { skip: report.length === 0 },
  () => {
    // CF-001
    for (const upstream of ['2025-11-25', '2026-07-28']) {
      const runs = report.filter((run) => run.target === 'gateway' && run.upstream === upstream)
      assert.equal(new Set(runs.map(({ revision }) => revision)).size, 2)
    }
  },
)
