import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { crashAfter, runTool } from '../../src/testing/index.ts'
import { asked, bank, greet, greetV1, order, pay } from './guide/snippets.ts'

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const ROOT = fileOf('../../../..')
const TEMPLATE = fileOf('../../templates/durable-tool')
const CREATE = fileOf('../../src/create.ts')

const guide = readFileSync(join(ROOT, 'docs/writing-durable-tools.md'), 'utf8')
const blocks = (kind: string): string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${kind}\\n([^]*?)^\`\`\``, 'gm'))].map(([, code]) => code!)

const COMMANDS = [
  'npx @countersign/sdk create my-tools',
  'cd my-tools',
  'npm install',
  'npm test',
  'node server.ts --port 8080',
  `node client.ts call write_pages '{"folder":"pages","pages":5}'`,
]

const folder = mkdtempSync(join(tmpdir(), 'countersign-guide-'))
const project = join(folder, 'My Tools')
const running = new Set<ChildProcess>()
const run = (args: readonly string[], cwd = project) =>
  promisify(execFile)(process.execPath, args, { cwd })

/** Starts a program in the project; `until` resolves with what it said when that matches. */
function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, args, {
    cwd: project,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  running.add(child)
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += String(chunk)
  })
  return {
    child,
    until: async (wanted: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const found = wanted.exec(said)
        if (found) return found
        await once(child.stdout, 'data')
      }
    },
  }
}

describe('the guide to durable tools', () => {
  before(() => run([CREATE, 'create', project], folder))
  after(() => {
    for (const child of running) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  })

  it('shows code that is in the template, or is run below', () => {
    const files = readdirSync(TEMPLATE).map((name) => readFileSync(join(TEMPLATE, name), 'utf8'))
    const code = [...files, readFileSync(fileOf('guide/snippets.ts'), 'utf8')]
    const shown = blocks('ts')
    assert.ok(shown.length >= 8)
    for (const block of shown)
      assert.ok(
        code.some((text) => text.includes(block)),
        block,
      )
  })

  it('names commands that do what it says', () => {
    const shown = blocks('sh').flatMap((block) => block.trim().split('\n'))
    assert.deepEqual(shown, COMMANDS)
  })

  it('makes a project whose types hold and whose tests pass', async () => {
    const compilerOptions = {
      target: 'esnext',
      module: 'nodenext',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    }
    const files = readdirSync(project).filter((name) => name.endsWith('.ts'))
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    await run([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'])
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const options = { cwd: project, env }
    const { stdout } = await promisify(execFile)(process.execPath, ['--test'], options)
    assert.match(stdout, /pass 4/)
    assert.match(readFileSync(join(project, 'package.json'), 'utf8'), /"name": "my-tools"/)
    await assert.rejects(run([CREATE, 'create', project]), /is not empty/)
  })

  it('has a task that goes on when the server is killed, and asks', async () => {
    const first = start(['server.ts', '--port', '0'])
    const [, url = ''] = await first.until(/Listening at (\S+)/)
    const { port } = new URL(url)
    const args = ['client.ts', 'call', 'write_pages', '{"folder":"pages","pages":4}']
    const client = start(args, { MCP_URL: url })
    await client.until(/\(\d of 4\)/)
    first.child.kill('SIGKILL')
    await client.until(/The server is away/)
    start(['server.ts', '--port', port])
    await client.until(/Keep the 4 pages in pages\?/)
    client.child.stdin.write('yes\n')
    await client.until(/"kept": 4/)
    const written = readFileSync(join(project, 'pages/written.log'), 'utf8').trim().split('\n')
    assert.equal(new Set(written).size, 4)
    assert.deepEqual(readdirSync(join(project, 'pages')).length, 5)
  })

  it('shows how to retry, and what must not happen twice', async () => {
    const { output, elapsedMs } = await runTool(pay, { amount: 5 })
    assert.equal(output.amount, 10)
    assert.equal(asked.length, 3)
    assert.ok(elapsedMs > 0)
    const charged = bank.charges.size
    await crashAfter(pay, { amount: 1 }, 'charge', { when: 'before' })
    assert.equal(bank.charges.size, charged + 1)
  })

  it('shows children, a page to visit, and taking it all back', async () => {
    const { output } = await runTool(order, { amount: 1 }, { answers: { 'sign in': {} } })
    assert.match(output.told, /mailed ada@example.com/)
    const refunds = bank.refunded.length
    await runTool(order, { amount: 1 }, { answers: { 'sign in': 'decline' } })
    assert.equal(bank.refunded.length, refunds + 1)
  })

  it('shows how a tool is changed', async () => {
    const input = { name: 'Ada' }
    const { output } = await crashAfter(greetV1, input, 'think', { resumeWith: greet })
    assert.equal(output, 'Hello, Ada')
    assert.equal((await runTool(greet, input)).output, 'Good morning, Ada')
  })
})
