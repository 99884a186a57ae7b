import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { ROOT, startProgram } from '../e2e/run-quickstart.ts'

const project = mkdtempSync(join(tmpdir(), 'countersign-packed-'))
const home = join(project, 'home')
const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js')

/** npm keeps what it knows of registries and its cache; only Countersign sees the empty home. */
const env = { ...process.env, HOME: home, USERPROFILE: home }

const run = async (program: string, args: readonly string[], cwd = project): Promise<string> => {
  const as = cwd === project && args.includes('countersign') ? env : process.env
  const { stdout } = await promisify(execFile)(program, args, { cwd, env: as })
  return stdout
}
const countersign = (...args: string[]): Promise<string> =>
  run('npx', ['--no-install', 'countersign', ...args])

function write(path: string, content: string): void {
  writeFileSync(join(project, path), content)
}

const SCRIPT = `
import { canonical, effectOf } from '@countersign/contract'
import { EFFECTS } from '@countersign/contract/tool'
import { durableTool, serve, tool } from '@countersign/sdk'
import { runTool } from '@countersign/sdk/testing'
import { z } from 'zod'

const double = tool({
  name: 'double',
  description: 'Doubles a number.',
  input: z.object({ n: z.number() }),
  output: z.object({ twice: z.number() }),
  effect: 'read',
  run: ({ n }) => ({ twice: 2 * n }),
})
const later = durableTool({
  name: 'later',
  description: 'Doubles a number tomorrow.',
  input: z.object({ n: z.number() }),
  output: z.object({ twice: z.number() }),
  effect: 'read',
  async run({ n }, task) {
    await task.sleep('a day', 86_400_000)
    return { twice: await task.step('double', () => 2 * n) }
  },
})
const { output } = await runTool(later, { n: 21 })
if (output.twice !== 42) throw new Error(String(output.twice))
const serving = await serve([double, later], { name: 'packed', version: '1.0.0', http: { port: 0 } })
console.log(canonical({ b: serving.url?.pathname ?? null, a: effectOf({}) }), EFFECTS.length)
await serving.close()
`

const TSCONFIG = {
  compilerOptions: {
    target: 'esnext',
    module: 'nodenext',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  },
  files: ['script.ts'],
}

describe('the packed packages, installed in an empty project', { timeout: 240_000 }, () => {
  before(async () => {
    await run(process.execPath, ['scripts/build.mjs'], ROOT)
    const folders = ['contract', 'engine', 'sdk', 'countersign'].map((name) => `./build/${name}`)
    await run('npm', ['pack', '--pack-destination', project, ...folders], ROOT)
    const tarballs = readdirSync(project).filter((name) => name.endsWith('.tgz'))
    assert.equal(tarballs.length, 4)
    write('package.json', '{ "name": "empty", "private": true, "type": "module" }')
    const flags = ['--no-audit', '--no-fund', '--prefer-offline']
    await run('npm', ['install', ...flags, ...tarballs.map((name) => `./${name}`)])
    mkdirSync(join(home, '.cursor'), { recursive: true })
    const mcpServers = { everything: { command: process.execPath, args: [EVERYTHING] } }
    write('home/.cursor/mcp.json', JSON.stringify({ mcpServers }, null, 2))
  })
  after(() => {
    rmSync(project, { recursive: true, force: true, maxRetries: 3 })
  })

  it('hold what they need and nothing else', () => {
    const inside = (name: string): readonly string[] =>
      readdirSync(join(project, 'node_modules', name)).toSorted()
    assert.deepEqual(inside('@countersign/sdk'), [
      'LICENSE',
      'README.md',
      'dist',
      'package.json',
      'templates',
    ])
    assert.deepEqual(inside('countersign'), [
      'LICENSE',
      'README.md',
      'countersign.cedarschema',
      'countersign.schema.json',
      'dist',
      'package.json',
    ])
    const files = readdirSync(join(project, 'node_modules/countersign/dist'), { recursive: true })
    assert.deepEqual(
      files.map(String).filter((name) => /\.test\.|(?<!\.d)\.ts$/.test(name)),
      [],
    )
  })

  it('make a configuration, serve it, call, list and show the ledger', async () => {
    await countersign('init', '--yes')
    assert.match(readFileSync(join(project, 'countersign.yaml'), 'utf8'), /everything/)
    const bin = join(project, 'node_modules/countersign/dist/main.js')
    const config = join(project, 'countersign.yaml')
    const args = [bin, 'serve', '--port', '0', '--json', '--config', config]
    await using serving = startProgram(process.execPath, args)
    await serving.until(/"event":"listening"/)
    const said = await countersign('call', 'everything_echo', '--args', '{"message":"packed"}')
    assert.match(said, /packed/)
    assert.match(await countersign('tools'), /^everything_echo +/m)
    assert.match(await countersign('log'), /call\.closed .*answered/)
    await serving.until(/"event":"call"/)
    assert.equal(await serving.stop(), 0)
  })

  it('make a project for a durable tool, whose tests pass', async () => {
    const create = join(project, 'node_modules/@countersign/sdk/dist/create.js')
    await run(process.execPath, [create, 'create', 'durable'])
    const { NODE_TEST_CONTEXT: _, ...outside }: NodeJS.ProcessEnv = env
    const options = { cwd: join(project, 'durable'), env: outside }
    const { stdout } = await promisify(execFile)(process.execPath, ['--test'], options)
    assert.match(stdout, /pass 4/)
  })

  it('can be imported, and their types hold', async () => {
    write('script.ts', SCRIPT)
    write('tsconfig.json', JSON.stringify(TSCONFIG))
    assert.equal(await run(process.execPath, ['script.ts']), '{"a":"destructive","b":"/mcp"} 4\n')
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'])
  })
})
