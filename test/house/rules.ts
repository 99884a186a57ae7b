/** The laws of the house. Prose rules rot; each of these is a function that names its breaches. */
import { dirname, join } from 'node:path/posix'
import { mayImport } from './libraries.ts'
import { importsOf, isTest, roomOf, withoutComments, workspaceOf, type Source } from './source.ts'

export type { Source } from './source.ts'

export interface Rule {
  readonly law: string
  /** What this file breaks, in words; empty when it keeps the law. */
  readonly breaches: (file: Source) => readonly string[]
}

/** From roof to cellar. A room imports only rooms below it, so this list is the architecture. */
export const STAIRS: readonly string[] = [
  'main',
  'cli',
  'server',
  'config',
  'http',
  'admin',
  'gateway',
  'tasks',
  'registry',
  'upstream',
  'approvals',
  'policy',
  'redaction',
  'vault',
  'witness',
  'feeds',
  'auth',
  'audit',
  'store',
  'telemetry',
  'base',
]
/** Rooms that are one file, and no folder. */
const ONE_FILE = ['main', 'server']

/** What each workspace's published code may import, beside itself. */
const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  engine: ['contract'],
  sdk: ['contract', 'engine'],
  server: ['contract', 'engine'],
  console: ['contract'],
}
/** Tests of the server are of the whole house: they may be served by tools of the sdk. */
const TEST_NEIGHBOURS: Readonly<Record<string, readonly string[]>> = { server: ['sdk'] }

const LINES_MAX = 400

const when = (isBroken: boolean, file: Source, why: string): readonly string[] =>
  isBroken ? [`${file.path}: ${why}`] : []

const stairs: Rule = {
  law: 'a room imports only rooms below it',
  breaches: (file) => {
    const room = roomOf(file.path)
    if (room === undefined) return []
    const here = STAIRS.indexOf(room)
    if (here === -1) return when(true, file, `${room} is not on the stairs`)
    return importsOf(file.text).flatMap((target) => {
      const other = roomNamed(target, file.path)
      if (other === undefined || other === room) {
        return when(
          target === `#${room}` && !isTest(file.path),
          file,
          'a room does not use its own door',
        )
      }
      return when(STAIRS.indexOf(other) <= here, file, `${other} is not below ${room}`)
    })
  },
}

function roomNamed(target: string, path: string): string | undefined {
  if (target.startsWith('#')) return target.slice(1).split('/')[0]
  return target.startsWith('.') ? roomOf(join(dirname(path), target)) : undefined
}

/** To what takes half a second to load, and is loaded only where it is configured. */
const SIDE_DOORS: ReadonlySet<string> = new Set([
  '#auth/embedded',
  '#auth/people',
  '#telemetry/otel',
])

const doors: Rule = {
  law: 'a room is entered through its door',
  breaches: (file) => {
    const { path } = file
    return importsOf(file.text).flatMap((target) => {
      if (target.startsWith('#')) {
        return when(target.includes('/') && !SIDE_DOORS.has(target), file, `${target} is no door`)
      }
      if (!target.startsWith('.')) return []
      const wanted = join(dirname(path), target)
      if (workspaceOf(wanted) !== workspaceOf(path)) {
        return when(
          workspaceOf(wanted) !== undefined && !isHouseTest(path),
          file,
          `${target} goes around a workspace`,
        )
      }
      const other = roomOf(wanted)
      const isClimb = other !== undefined && !isTest(path) && other !== roomOf(path)
      const isFileRoom = other !== undefined && (ONE_FILE.includes(other) || other === 'cli')
      return when(isClimb && !isFileRoom, file, `${target} climbs into ${String(other)}`)
    })
  },
}

/** What no workspace owns may look into all of them. */
const isHouseTest = (path: string): boolean => /^(?:test|bench|scripts|examples)\//.test(path)

const direction: Rule = {
  law: 'workspaces import only their neighbours',
  breaches: (file) => {
    const self = workspaceOf(file.path)
    if (self === undefined) return []
    const extra = isTest(file.path) ? (TEST_NEIGHBOURS[self] ?? []) : []
    const allowed = [...(NEIGHBOURS[self] ?? []), ...extra]
    return importsOf(file.text).flatMap((target) => {
      const other = workspaceNamed(target)
      const isStranger = other !== undefined && other !== self && !allowed.includes(other)
      return when(isStranger, file, `${self} may not import ${String(other)}`)
    })
  },
}

function workspaceNamed(target: string): string | undefined {
  if (target === 'countersign' || target.startsWith('countersign/')) return 'server'
  return /^@countersign\/([^/]+)/.exec(target)?.[1]
}

const charters: Rule = {
  law: 'every door says in one line what is behind it',
  breaches: (file) => {
    const name =
      /^packages\/server\/src\/([^/]+)\/index\.ts$/.exec(file.path)?.[1] ??
      /^packages\/([^/]+)\/src\/index\.ts$/.exec(file.path)?.[1] ??
      /^packages\/server\/src\/(server)\.ts$/.exec(file.path)?.[1]
    if (name === undefined) return []
    const charter = new RegExp(`^/\\*\\* ${name}: .{10,110} \\*/\\n`)
    return when(!charter.test(file.text), file, `begins with no line "/** ${name}: … */"`)
  },
}

const libraries: Rule = {
  law: 'each library has its rooms',
  breaches: (file) => {
    if (isTest(file.path) || workspaceOf(file.path) === undefined) return []
    const here = roomOf(file.path) ?? workspaceOf(file.path) ?? ''
    return importsOf(file.text).flatMap((target) =>
      when(!mayImport(target, here), file, `${target} has no place in ${here}`),
    )
  },
}

const EFFECTS: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b/, 'Date.now'],
  [/\bnew Date\(\s*\)/, 'new Date()'],
  [/\bMath\.random\b/, 'Math.random'],
  [/\bprocess\.env\b/, 'process.env'],
  [/(?<![.\w])setTimeout\b/, 'setTimeout'],
  [/(?<![.\w])setInterval\b/, 'setInterval'],
  [/'node:child_process'/, 'node:child_process'],
  [/'node:timers(?:\/promises)?'/, 'node:timers'],
]
/** The client of the admin API and the CLI ask over HTTP; nothing else of ours does. */
const MAY_FETCH = /^packages\/(?:contract\/src\/connect\.ts|server\/src\/cli\/)/
const FETCH = /(?<![.\w])fetch\(/
/** How long a commit waits for company; and the engine's own window outside: it knows no server. */
const MAY_WAIT = 'packages/engine/src/group-commit.ts'
const WINDOW = /^packages\/(?:server\/src\/base\/|engine\/src\/world\.ts$)/

const effects: Rule = {
  law: 'only base looks outside',
  breaches: (file) => {
    const { path } = file
    if (isTest(path) || !/^packages\/[^/]+\/src\//.test(path) || WINDOW.test(path)) return []
    const code = withoutComments(file.text)
    return [
      ...EFFECTS.flatMap(([pattern, name]) =>
        when(pattern.test(code) && !(path === MAY_WAIT && name === 'setTimeout'), file, name),
      ),
      ...when(FETCH.test(code) && !MAY_FETCH.test(path), file, 'fetch'),
    ]
  },
}

const size: Rule = {
  law: 'no file outgrows a sitting',
  breaches: (file) => {
    const lines = file.text.trimEnd().split('\n').length
    return when(lines > LINES_MAX, file, `${String(lines)} lines`)
  },
}

// Written so that these lines are not found themselves.
const LATER = /\b(?:TO[D]O|FIX[M]E)\b/
const LEFT_OUT = /\b(?:test|it|describe|suite)\.(?:skip|only|todo)\b|\bonly: true\b|\bskip: true\b/

const unfinished: Rule = {
  law: 'nothing is left for later and no test is left out',
  breaches: (file) => [
    ...when(LATER.test(file.text), file, 'work left for later'),
    ...when(LEFT_OUT.test(withoutComments(file.text)), file, 'a test that does not always run'),
  ],
}

export const RULES: readonly Rule[] = [
  stairs,
  doors,
  direction,
  charters,
  libraries,
  effects,
  size,
  unfinished,
]
