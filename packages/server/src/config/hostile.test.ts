import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '@countersign/contract'
import { systemWorld } from '#base'
import { loadConfig, parseConfig, type Config } from '#config'

const world = { ...systemWorld, env: () => undefined }
const read = (text: string, path: string): Config => parseConfig({ world, text, path })

function refusal(text: string, path = 'countersign.yaml'): string {
  try {
    read(text, path)
  } catch (thrown) {
    assert.ok(thrown instanceof Fault)
    assert.equal(thrown.code, 'config/invalid')
    return thrown.message
  }
  return assert.fail('it was accepted')
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-config-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const wanted = (path: string, words: RegExp): void => {
  assert.throws(
    () => loadConfig(world, path),
    (thrown) =>
      thrown instanceof Fault &&
      thrown.code === 'config/invalid' &&
      words.test(thrown.message) &&
      thrown.message.includes(path),
  )
}

void describe('hostile text', () => {
  const deep: readonly (readonly [string, string])[] = [
    ['open brackets', '['.repeat(500_000)],
    ['closed brackets', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['braces', '{a: '.repeat(100_000)],
    ['list signs', '- '.repeat(200_000)],
    ['questions', '? '.repeat(200_000)],
    ['indentation', Array.from({ length: 1_000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')],
    ['anchors', '&a '.repeat(100_000)],
    ['lines', '\n'.repeat(1_000_000)],
    ['documents', '---\n'.repeat(100_000)],
    [
      'aliases that double',
      `a0: &a0 [x, x]\n${Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]`).join('\n')}\n`,
    ],
    ['an alias inside itself', 'a: &a [*a]'],
  ]
  for (const [name, text] of deep) {
    test(`made of ${name} is refused in words`, () => {
      assert.match(refusal(text), /deep|too m|alias|unknown|second/)
      assert.match(refusal(text, 'mcp.json'), /deep|too m|alias|unknown|second/)
    })
  }

  const word = fc.constantFrom(
    'servers',
    'mcpServers',
    'views',
    'limits',
    'listen',
    'command',
    'url',
    'a',
    'x',
    '${A',
    '}',
    '&a',
    '*a',
    '!',
    '- ',
    ': ',
    '{',
    '[',
    ']',
    '"',
    "'",
    '\n',
    '\n  ',
    '\t',
    '#',
    '|',
    '>',
    '%',
    '\u0000',
    '\uFEFF',
    '\uD800',
    '🚀',
    '1',
    'null',
    '__proto__',
    'constructor',
  )
  const scraps = fc.array(word, { maxLength: 40 }).map((words) => words.join(''))

  test('of any kind is accepted or refused, and nothing else happens', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      scraps,
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ servers: value })),
    )
    fc.assert(
      fc.property(text, fc.constantFrom('c.yaml', 'mcp.json'), (content, path) => {
        try {
          read(content, path)
        } catch (thrown) {
          assert.ok(thrown instanceof Fault && thrown.code === 'config/invalid', String(thrown))
          assert.match(thrown.message, /:\d+:\d+ {2}/)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string(), { maxLength: 3 }),
    fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
  )
  const key = fc.constantFrom(
    'command',
    'args',
    'env',
    'cwd',
    'url',
    'headers',
    'type',
    'era',
    'start',
    'callTimeoutMs',
    'idleMs',
    'messageBytesMax',
    'disabled',
    'transport',
    'enabled',
    'httpUrl',
    'environment',
  )
  const entries = fc.dictionary(
    fc.oneof(fc.constantFrom('a', 'b'), fc.string()),
    fc.oneof(value, fc.dictionary(key, value)),
  )

  test('in the place of servers never does anything else either', () => {
    fc.assert(
      fc.property(entries, entries, (servers, mcpServers) => {
        try {
          read(JSON.stringify({ servers, mcpServers }), 'c.yaml')
        } catch (thrown) {
          assert.ok(thrown instanceof Fault && thrown.code === 'config/invalid', String(thrown))
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

void describe('a file', () => {
  test('that cannot be read is a mistake with its path', () => {
    wanted(join(folder, 'none.yaml'), /there is no such file/)
    wanted(folder, /this is a folder/)
    wanted(join(file('plain.yaml', ''), 'x'), /no such file|ENOTDIR/)
    wanted(file('bytes.yaml', Buffer.from([0xff, 0xfe, 0x00])), /not UTF-8/)
    wanted(file('large.yaml', '#'.repeat(1_048_577)), /larger than 1 MiB/)
    symlinkSync(join(folder, 'loop.yaml'), join(folder, 'loop.yaml'))
    wanted(join(folder, 'loop.yaml'), /cannot be read \(ELOOP\)/)
    if (process.platform === 'linux') wanted('/dev/null', /no ordinary file/)
    const locked = file('locked.yaml', '')
    chmodSync(locked, 0)
    if (process.getuid?.() !== 0) wanted(locked, /cannot be read \(EACCES\)/)
  })

  test('with a byte order mark and Windows line ends reads like any other', () => {
    const path = file('windows.yaml', '\uFEFFservers:\r\n  a:\r\n    command: x\r\n')
    assert.deepEqual(
      loadConfig(world, path).servers.map(({ id }) => id),
      ['a'],
    )
  })
})
