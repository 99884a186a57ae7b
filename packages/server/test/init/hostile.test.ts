import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { expand, literal, parseSecrets, formatSecrets } from '#config'
import { FORMATS } from '../../src/cli/clients/format.ts'
import { secretIn, secretsInArgs } from '../../src/cli/clients/looks-secret.ts'
import { rewrite } from '../../src/cli/clients/tokens.ts'
import { makeHome } from './home.ts'

const ALL = { yes: true, writeClients: true }
const good = '{"mcpServers":{"good":{"command":"x"}}}'

void describe('a file of another client that is', () => {
  const contents: readonly (readonly [string, string | Buffer, RegExp])[] = [
    ['broken in line 3', '{\n"a": 1,\n"b" 2\n}', /mcp\.json:3 {2}not valid JSON/],
    ['deeply nested', '['.repeat(100_000), /nested too deeply|not valid/],
    [
      'deeply nested and closed',
      `{"mcpServers":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
      /nested too deeply/,
    ],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
    ['a list', '[]', /mcp\.json:1 {2}not a mapping/],
    [
      'ambiguous',
      '{\n"mcpServers": {\n"a": {},\n"a": {}\n}}',
      /mcp\.json:4 {2}a name is here twice/,
    ],
    ['something else at our place', '{"mcpServers": 3}', /mcpServers is not a mapping/],
    ['a megabyte of rubbish', 'x'.repeat(1_000_000), /not valid JSON/],
    ['too large', Buffer.alloc(33_554_433, ' '), /larger than 32 MiB/],
  ]
  for (const [name, content, wanted] of contents) {
    test(`${name} is named, left alone, and does not stand in the way of others`, async () => {
      using home = makeHome()
      const path = home.put('.cursor/mcp.json', content)
      home.put('.kiro/settings/mcp.json', good)
      const { code, out } = await home.run(ALL)
      assert.equal(code, 0, out)
      assert.match(out, wanted)
      assert.match(home.read('work/countersign.yaml'), /good:/)
      assert.ok(
        home.everything().get(path)?.endsWith(Buffer.from(content).toString('base64').slice(-40)),
      )
    })
  }

  test('a megabyte of other things is changed all the same', async () => {
    using home = makeHome()
    const history = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, at) => [`k${at}`, 'x'.repeat(90)]),
    )
    const text = JSON.stringify({ history, mcpServers: { a: { command: 'x' } } }, null, 2)
    home.put('.claude.json', text)
    await home.run(ALL)
    assert.match(home.read('.claude.json'), /7420\/mcp/)
    await home.run({ undo: true })
    assert.equal(home.read('.claude.json'), text)
  })

  test('no file at all is named and left alone', async () => {
    using home = makeHome()
    mkdirSync(join(home.home, '.cursor/mcp.json'), { recursive: true })
    mkdirSync(join(home.home, '.junie/mcp'), { recursive: true })
    symlinkSync(join(home.home, '.junie/mcp/mcp.json'), join(home.home, '.junie/mcp/mcp.json'))
    home.put('.kiro/settings', 'a file where a folder should be')
    const locked = home.put('.lmstudio/mcp.json', good)
    chmodSync(locked, 0)
    const { code, out } = await home.run(ALL)
    chmodSync(locked, 0o600)
    assert.equal(code, 0)
    assert.match(out, /Cursor: ~\/\.cursor\/mcp\.json {2}this is a folder/)
    assert.match(out, /Junie: ~\/\.junie\/mcp\/mcp\.json {2}cannot be read \(ELOOP\)/)
    if (process.getuid?.() !== 0) assert.match(out, /LM Studio: \S+ {2}cannot be read \(EACCES\)/)
  })

  test('full of terminal commands sends none of them to the terminal', async () => {
    using home = makeHome()
    const name = '\u001b[2Jx\u202e'
    home.put(
      '.cursor/mcp.json',
      JSON.stringify({
        mcpServers: { [name]: { command: 'x' }, b: { type: name, autoApprove: [name] } },
      }),
    )
    const { out } = await home.run(ALL)
    // oxlint-disable-next-line no-control-regex -- these are what is looked for.
    assert.doesNotMatch(out, /[\u0000-\u0009\u000B-\u001F\u202E]/)
  })

  test('anything at all never makes us fall over', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc
        .jsonValue()
        .map((value) =>
          JSON.stringify({ mcpServers: value, extensions: value, mcp_servers: value }),
        ),
    )
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        using home = makeHome()
        for (const path of ['.cursor/mcp.json', '.codex/config.toml', '.config/goose/config.yaml'])
          home.put(path, content)
        const before = home.everything()
        assert.equal((await home.run(ALL)).code, 0)
        assert.match((await home.run(ALL)).out, /Nothing is left to do/)
        await home.run({ undo: true })
        assert.deepEqual(home.everything(), before)
      }),
      { numRuns: 80 },
    )
    for (const format of Object.values(FORMATS))
      fc.assert(
        fc.property(text, (content) => void format.read(content)),
        { numRuns: 300 },
      )
  })
})

void describe('the notation', () => {
  const text = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom('$', '{', '}', '${', '$$', 'A', ':-', 'env:', ' '))
      .map((parts) => parts.join('')),
  )

  test('of literal text means exactly that text', () => {
    fc.assert(
      fc.property(text, (content) =>
        assert.deepEqual(
          expand(literal(content), () => 'no'),
          { ok: true, text: content },
        ),
      ),
    )
    const place = { home: '/h', cwd: '/w', platform: 'linux', env: () => undefined } as const
    fc.assert(
      fc.property(text, (content) =>
        assert.equal(rewrite(content, [], place).text, literal(content)),
      ),
    )
  })

  test('of the secrets file gives back every value', () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, fc.string({ unit: 'binary' })), { selector: ([key]) => key }),
        (pairs) => {
          const values = new Map(pairs)
          assert.deepEqual(parseSecrets(formatSecrets(values)), { ok: true, values })
        },
      ),
    )
  })
})

test('A secret is told from a setting', () => {
  for (const [name, value] of [
    ['API_KEY', 'abcdefgh'],
    ['githubToken', '0123456789'],
    ['DB_PASSWORD', 'correct horse'],
    ['X', 'sk-proj-abc'],
    ['X', 'a1bC3dEf9hJ2kLm4NoP5qRs6TuV7wXy8'],
  ] as const) {
    assert.equal(secretIn(name, value)?.secret, value, name)
  }
  for (const [name, value] of [
    ['MONKEY', 'chimpanzee'],
    ['KEYBOARD', 'qwertz-de'],
    ['AUTHOR', 'ada lovelace'],
    ['API_KEY', ''],
    ['AUTH', 'true'],
    ['AUTH_TYPE', 'oauth2'],
    ['KEY_FILE', '/home/ada/key.pem'],
    ['URL', 'https://x.example/path?q=1'],
    ['ID', '123e4567-e89b-12d3-a456-426614174000'],
  ] as const) {
    assert.equal(secretIn(name, value)?.secret, undefined, name)
  }
  const found = secretsInArgs([
    '--header',
    'Authorization: Bearer abc.def',
    '--url=https://x/?token=abcdefg',
    '-v',
    'plain',
  ])
  assert.deepEqual(
    [...found].map(([at, part]) => [at, part.secret]),
    [
      [1, 'abc.def'],
      [2, 'abcdefg'],
    ],
  )
})
