import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { RULES, STAIRS, type Source } from './house/rules.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = ['packages', 'test', 'bench', 'examples', 'scripts']
const ENDINGS = ['ts', 'tsx', 'mjs']

/** Whatever is there, whether git knows it or not; only what is installed or built is left out. */
const found = globSync(`{${FOLDERS.join(',')}}/**/*.{${ENDINGS.join(',')}}`, {
  cwd: ROOT,
  exclude: (path) => /(?:^|\/)(?:node_modules|build|\.countersign)(?:\/|$)/.test(path),
}).map((path) => path.replaceAll('\\', '/'))

/** What git keeps: tracked, and new but not ignored; not what is deleted and still listed. */
function listed(): readonly string[] {
  const ours = new RegExp(`^(?:${FOLDERS.join('|')})/.*\\.(?:${ENDINGS.join('|')})$`)
  const git = (...args: string[]): string[] =>
    execFileSync('git', ['ls-files', ...args], { cwd: ROOT, encoding: 'utf8' })
      .split('\n')
      .filter((path) => ours.test(path))
  const deleted = new Set(git('--deleted'))
  return git('--cached', '--others', '--exclude-standard').filter((path) => !deleted.has(path))
}

const files = found.map((path): Source => ({ path, text: readFileSync(`${ROOT}/${path}`, 'utf8') }))

for (const { law, breaches } of RULES) {
  test(law, () => {
    assert.deepEqual(files.flatMap(breaches), [])
  })
}

test('the files that were looked at are those that git lists, in every room and workspace', () => {
  assert.deepEqual(found.toSorted(), listed().toSorted())
  const rooms = STAIRS.map((room) => `packages/server/src/${room}`)
  const doors = ['contract', 'engine', 'sdk', 'console'].map((name) => `packages/${name}/src/index`)
  for (const place of [...rooms, ...doors]) {
    const isSeen = found.some((path) => path === `${place}.ts` || path.startsWith(`${place}/`))
    assert.ok(isSeen, `no file of ${place} was seen`)
  }
})

// Put together, so that the rules do not find them here.
const LATER = ['TO', 'DO'].join('')
const LEFT_OUT = ['on', 'ly'].join('')

const GATEWAY = 'packages/server/src/gateway/x.ts'
const DOOR = 'packages/server/src/gateway/index.ts'

/** For each law: files that keep it, and files that break it. */
const SAMPLES: Readonly<Record<string, { good: readonly Source[]; bad: readonly Source[] }>> = {
  'a room imports only rooms below it': {
    good: [
      { path: GATEWAY, text: "import { makeLog } from '#telemetry'" },
      {
        path: 'packages/server/test/stories/x.test.ts',
        text: "import { loadConfig } from '#config'",
      },
    ],
    bad: [
      { path: GATEWAY, text: "import { openFrontDoor } from '#http'" },
      { path: GATEWAY, text: "import type { Config } from '#config'" },
      { path: GATEWAY, text: "import { x } from '#gateway'" },
      { path: 'packages/server/src/base/x.ts', text: "export * from '#audit'" },
      { path: GATEWAY, text: "const x = await import('#cli')" },
      { path: GATEWAY, text: "type X = import('#http').Route" },
      { path: 'packages/server/src/cellar/x.ts', text: '' },
      { path: 'packages/server/src/server.ts', text: "import { run } from './cli/run.ts'" },
    ],
  },
  'a room is entered through its door': {
    good: [
      { path: GATEWAY, text: "import { a } from './a.ts'" },
      { path: 'packages/server/src/cli/clients/x.ts', text: "import { a } from '../io.ts'" },
      { path: 'packages/server/src/cli/x.ts', text: "import { openHouse } from '../server.ts'" },
    ],
    bad: [
      { path: GATEWAY, text: "import { a } from '../audit/ledger.ts'" },
      { path: GATEWAY, text: "import { a } from '../audit/index.ts'" },
      { path: 'packages/server/src/server.ts', text: "import { a } from './audit/ledger.ts'" },
      { path: GATEWAY, text: "import { a } from '../../../engine/src/database.ts'" },
      { path: 'packages/contract/src/x.ts', text: "import { a } from '../../server/src/main.ts'" },
      { path: GATEWAY, text: "import { a } from '#audit/ledger.ts'" },
    ],
  },
  'workspaces import only their neighbours': {
    good: [
      { path: GATEWAY, text: "import { a } from '@countersign/contract'" },
      {
        path: 'packages/server/test/stories/x.test.ts',
        text: "import { tool } from '@countersign/sdk'",
      },
    ],
    bad: [
      { path: GATEWAY, text: "import { a } from '@countersign/sdk'" },
      { path: 'packages/contract/src/x.ts', text: "import { a } from '@countersign/engine'" },
      { path: 'packages/console/src/x.ts', text: "import { a } from '@countersign/engine'" },
      { path: 'packages/sdk/src/x.ts', text: "import { a } from 'countersign'" },
      { path: 'packages/sdk/src/x.test.ts', text: "import { a } from '@countersign/console'" },
    ],
  },
  'every door says in one line what is behind it': {
    good: [{ path: DOOR, text: '/** gateway: one call, from asked to answered. */\n' }],
    bad: [
      { path: DOOR, text: "export * from './call.ts'" },
      { path: DOOR, text: '/** audit: one call, from asked to answered. */\n' },
      { path: DOOR, text: '/** gateway: calls. */\n' },
      { path: 'packages/sdk/src/index.ts', text: "export * from './tool.ts'" },
      { path: 'packages/server/src/server.ts', text: "import { a } from '#base'" },
    ],
  },
  'each library has its rooms': {
    good: [
      { path: 'packages/server/src/upstream/x.ts', text: "import { request } from 'undici'" },
      {
        path: 'packages/server/src/store/x.ts',
        text: "import { DatabaseSync } from 'node:sqlite'",
      },
      {
        path: 'packages/server/test/stories/x.ts',
        text: "import { Client } from '@modelcontextprotocol/client'",
      },
    ],
    bad: [
      { path: GATEWAY, text: "import { request } from 'undici'" },
      { path: GATEWAY, text: "import { DatabaseSync } from 'node:sqlite'" },
      { path: GATEWAY, text: "import { Client } from '@modelcontextprotocol/client'" },
      { path: GATEWAY, text: "import left from 'left-pad'" },
      {
        path: 'packages/contract/src/x.ts',
        text: "import { globSync, readFileSync } from 'node:fs'",
      },
    ],
  },
  'only base looks outside': {
    good: [
      { path: 'packages/server/src/base/x.ts', text: 'const at = Date.now()' },
      { path: 'packages/engine/src/world.ts', text: 'const at = Date.now()' },
      { path: GATEWAY, text: 'const at = world.now(); const on = new Date(at)' },
      { path: GATEWAY, text: '// Unlike Date.now() this one never goes back.' },
      { path: 'packages/server/src/gateway/x.test.ts', text: 'const at = Date.now()' },
      { path: 'packages/server/src/cli/x.ts', text: "await fetch('http://127.0.0.1')" },
    ],
    bad: [
      { path: GATEWAY, text: 'const at = Date.now()' },
      { path: GATEWAY, text: 'const at = new Date()' },
      { path: GATEWAY, text: 'const x = Math.random()' },
      { path: GATEWAY, text: "const home = process.env['HOME']" },
      { path: GATEWAY, text: 'setTimeout(() => undefined, 10)' },
      { path: GATEWAY, text: 'setInterval(() => undefined, 10)' },
      { path: GATEWAY, text: "await fetch('http://127.0.0.1')" },
      { path: GATEWAY, text: "import { setTimeout as sleep } from 'node:timers/promises'" },
      { path: GATEWAY, text: "import { spawn } from 'node:child_process'" },
      { path: 'packages/engine/src/x.ts', text: 'const x = Math.random()' },
    ],
  },
  'no file outgrows a sitting': {
    good: [{ path: GATEWAY, text: 'x\n'.repeat(400) }],
    bad: [{ path: GATEWAY, text: 'x\n'.repeat(401) }],
  },
  'nothing is left for later and no test is left out': {
    good: [{ path: GATEWAY, text: 'const x = list.skipped; test(name, { skip: isWindows }, run)' }],
    bad: [
      { path: GATEWAY, text: `// ${LATER}: later` },
      { path: 'test/x.test.ts', text: `test.${LEFT_OUT}('x', () => undefined)` },
      { path: 'test/x.test.ts', text: `describe.${LEFT_OUT}('x', () => undefined)` },
      { path: 'test/x.test.ts', text: `test('x', { ${LEFT_OUT}: true }, () => undefined)` },
    ],
  },
}

for (const { law, breaches } of RULES) {
  test(`the law can fail: ${law}`, () => {
    const sample = SAMPLES[law]
    assert.ok(sample, 'it has no samples')
    for (const file of sample.good) assert.deepEqual(breaches(file), [], file.text.slice(0, 80))
    for (const file of sample.bad) {
      assert.notDeepEqual(breaches(file), [], `${file.path}: ${file.text.slice(0, 80)}`)
    }
  })
}
