import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { DEFAULT_LIMITS, TASK_FAULTS } from '../../src/index.ts'

const PACKAGE = join(import.meta.dirname, '../..')
const README = readFileSync(join(PACKAGE, 'README.md'), 'utf8')
const LINES_MAX = 30

const folder = mkdtempSync(join(tmpdir(), 'countersign-readme-'))
const children = new Set<ChildProcess>()
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the example as a reader would; `see` is told each line. Resolves with all of them. */
async function run(
  args: readonly string[],
  see?: (line: string, child: ChildProcess) => void,
): Promise<readonly string[]> {
  const child = spawn(process.execPath, ['order.ts', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    see?.(line, child)
  })
  await new Promise((resolve) => child.once('close', resolve))
  return lines
}

test('the example of the README is short, runs, is killed, and goes on as it says', async () => {
  const [, code = ''] = /```ts\n([^]*?)```/.exec(README) ?? []
  assert.ok(code.split('\n').length <= LINES_MAX, `${String(code.split('\n').length)} lines`)
  writeFileSync(join(folder, 'order.ts'), code)
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  mkdirSync(join(folder, 'node_modules/@countersign'), { recursive: true })
  symlinkSync(PACKAGE, join(folder, 'node_modules/@countersign/engine'), 'junction')

  const asked = 'Buy a lamp for 42?'
  const first = await run([], (line, child) => {
    if (line === asked) child.kill('SIGKILL')
  })
  assert.deepEqual(first.slice(0, 2), ['looking up the price', asked])
  const second = (await run(['yes'])).filter((line) => line !== asked)
  assert.match(second[0] ?? '', /^buying, with the idempotency key \S+\/3$/)
  assert.deepEqual(second.slice(1), ['bought'])
  assert.deepEqual(await run(['yes']), ['bought'])
})

test('the README knows every limit and every fault, as they are', () => {
  const rows = README.split('\n').filter((line) => line.startsWith('| `'))
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    assert.ok(
      rows.some((row) => row.startsWith(`| \`${name}\` | ${String(value)} |`)),
      name,
    )
  }
  for (const [code, meaning] of Object.entries(TASK_FAULTS)) {
    assert.ok(rows.includes(`| \`${code}\` | ${meaning} |`), code)
  }
})
