import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FORMATS, edit } from '../../src/cli/clients/format.ts'
import { makeHome } from './home.ts'

const ALL = { yes: true, writeClients: true }
const cursor = '{\n  "mcpServers": {\n    "a": { "command": "x" }\n  }\n}\n'

void describe('undo', () => {
  test('has nothing to do where nothing was done', async () => {
    using home = makeHome()
    const { code, out } = await home.run({ undo: true })
    assert.equal(code, 0)
    assert.match(out, /There is nothing to undo/)
  })

  test("refuses, and touches nothing, when a client's file was changed since", async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', cursor)
    home.put('.kiro/settings/mcp.json', cursor)
    await home.run(ALL)
    home.put('.cursor/mcp.json', '{}')
    const before = home.everything()
    const { code, out } = await home.run({ undo: true })
    assert.equal(code, 1)
    assert.match(
      out,
      /NOT restored {2}~\/\.cursor\/mcp\.json {2}was changed since; --force puts the old bytes back/,
    )
    assert.deepEqual(home.everything(), before)
    assert.equal((await home.run({ undo: true, force: true })).code, 0)
    assert.equal(home.read('.cursor/mcp.json'), cursor)
    assert.equal(home.read('.kiro/settings/mcp.json'), cursor)
  })

  test('keeps our own file when a person has gone on with it', async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', cursor)
    await home.run(ALL)
    home.put('work/countersign.yaml', `${home.read('work/countersign.yaml')}log: { level: warn }\n`)
    const { code, out } = await home.run({ undo: true })
    assert.equal(code, 0)
    assert.match(out, /kept, because you changed it {2}countersign\.yaml/)
    assert.equal(home.read('.cursor/mcp.json'), cursor)
    assert.match(home.read('work/countersign.yaml'), /level: warn/)
  })

  test('goes back over several runs to the very first bytes', async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', cursor)
    const before = home.everything()
    await home.run({ yes: true })
    await home.run(ALL)
    await home.run({ ...ALL, clients: ['kiro'] })
    await home.run({ undo: true })
    const after = new Map([...home.everything()].filter(([path]) => !path.includes('.kiro')))
    assert.deepEqual(after, before)
  })

  test('refuses when the copies are damaged', async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', cursor)
    await home.run(ALL)
    const folder = 'work/.countersign/init-backup'
    const manifest = home.read(`${folder}/manifest.json`)
    const copy = /"copy": "([^"]+)"/.exec(manifest)?.[1]
    home.put(`${folder}/${copy}`, 'x')
    assert.match((await home.run({ undo: true })).out, /its copy is gone or damaged/)
    home.put(`${folder}/manifest.json`, '{')
    assert.match((await home.run({ undo: true, force: true })).out, /its manifest cannot be read/)
  })

  test('finds the copies private', async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', cursor)
    await home.run(ALL)
    const folder = join(home.cwd, '.countersign')
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.equal(statSync(join(folder, 'init-backup/manifest.json')).mode & 0o777, 0o600)
  })
})

void describe("a client's file", () => {
  test('keeps its mode, and a link stays a link', async () => {
    using home = makeHome()
    const real = home.put('dotfiles/cursor.json', cursor)
    chmodSync(real, 0o640)
    mkdirSync(join(home.home, '.cursor'))
    symlinkSync(real, join(home.home, '.cursor/mcp.json'))
    const before = home.everything()
    await home.run(ALL)
    assert.match(readFileSync(real, 'utf8'), /7420/)
    assert.equal(statSync(real).mode & 0o777, 0o640)
    await home.run({ undo: true })
    assert.deepEqual(home.everything(), before)
  })

  test('that two clients share through a link is changed once', async () => {
    using home = makeHome()
    const real = home.put('.cursor/mcp.json', cursor)
    mkdirSync(join(home.home, '.kiro/settings'), { recursive: true })
    symlinkSync(real, join(home.home, '.kiro/settings/mcp.json'))
    const before = home.everything()
    assert.equal((await home.run(ALL)).code, 0)
    assert.match((await home.run(ALL)).out, /Nothing is left to do/)
    await home.run({ undo: true })
    assert.deepEqual(home.everything(), before)
  })

  test('that Cline has locked is left alone', async () => {
    using home = makeHome()
    const path = '.cline/data/settings/cline_mcp_settings.json'
    home.put(path, cursor)
    mkdirSync(join(home.home, `${path}.lock`))
    const { code, out } = await home.run(ALL)
    assert.equal(code, 1)
    assert.match(out, /NOT written {2}~\/\.cline\S+ {2}is locked by its program/)
    assert.equal(home.read(path), cursor)
    rmdirSync(join(home.home, `${path}.lock`))
    assert.equal((await home.run(ALL)).code, 0)
    assert.match(home.read(path), /streamableHttp/)
    assert.ok(!home.everything().has(join(home.home, `${path}.lock`)))
    await home.run({ undo: true })
    assert.equal(home.read(path), cursor)
  })

  test('that changes while a person thinks is left alone', async () => {
    using home = makeHome()
    const path = home.put('.cursor/mcp.json', cursor)
    const running = home.run({}, { answers: [true, true] })
    writeFileSync(path, '{ "mcpServers": {} }')
    const { out, code } = await running
    assert.equal(code, 1)
    assert.match(out, /NOT written {2}~\/\.cursor\/mcp\.json {2}has just been changed/)
    assert.equal(readFileSync(path, 'utf8'), '{ "mcpServers": {} }')
  })

  test('keeps comments, trailing commas, tabs and line ends', async () => {
    using home = makeHome()
    const text =
      '\uFEFF// top\r\n{\r\n\t"other": [1,2],  // odd\r\n\t"mcpServers": {\r\n\t\t// about a\r\n\t\t"a": {"command":"x"}, // of a\r\n\t\t// about b\r\n\t\t"b": {"type":"ws"},\r\n\t},\r\n}\r\n'
    home.put('.cursor/mcp.json', text)
    await home.run(ALL)
    assert.equal(
      home.read('.cursor/mcp.json'),
      '\uFEFF// top\r\n{\r\n\t"other": [1,2],  // odd\r\n\t"mcpServers": {\r\n\t\t// about a\r\n\t\t// about b\r\n\t\t"b": {"type":"ws"},\r\n\t\t"countersign": {\r\n\t\t\t"url": "http://127.0.0.1:7420/mcp"\r\n\t\t},\r\n\t},\r\n}\r\n',
    )
  })

  test('an entry between two comments of one line goes alone', () => {
    const text = '{"mcpServers": {\n"a": {}, /* a */ "b": {}, /* b */\n"c": {}\n}}\n'
    const edited = edit(FORMATS.json, text, [{ key: ['mcpServers'], remove: ['a'], put: {} }])
    assert.deepEqual(edited, {
      ok: true,
      text: '{"mcpServers": {\n/* a */ "b": {}, /* b */\n"c": {}\n}}\n',
    })
  })

  test('in TOML keeps every line but those of the tables that go', async () => {
    using home = makeHome()
    const text =
      'model = "x" # c\r\n\r\n[mcp_servers.a] # go\r\ncommand = "x"\r\n\r\n[mcp_servers."a".env]\r\nK = "v"\r\n\r\n# stays\r\n[other]\r\nlist = [\r\n  "[mcp_servers.a]",\r\n]\r\n'
    home.put('.codex/config.toml', text)
    await home.run(ALL)
    assert.equal(
      home.read('.codex/config.toml'),
      'model = "x" # c\r\n\r\n# stays\r\n[other]\r\nlist = [\r\n  "[mcp_servers.a]",\r\n]\r\n\r\n[mcp_servers.countersign]\r\nurl = "http://127.0.0.1:7420/mcp"\r\n',
    )
  })

  test('in TOML that is written otherwise is refused with its line', async () => {
    for (const text of [
      'x = 1\nmcp_servers = { a = { command = "x" } }\n',
      'x = 1\nmcp_servers.a.command = "x"\n',
      'x = 1\n[mcp_servers]\na = { command = "x" }\n',
    ]) {
      using home = makeHome()
      home.put('.codex/config.toml', text)
      const { out } = await home.run(ALL)
      assert.match(
        out,
        /Codex: ~\/\.codex\/config\.toml:[23] {2}cannot be changed: not written as a table of its own/,
      )
      assert.equal(home.read('.codex/config.toml'), text)
    }
  })

  test('in YAML keeps its comments', async () => {
    using home = makeHome()
    home.put(
      '.config/goose/config.yaml',
      '# top\nGOOSE_MODEL: x # model\nextensions:\n  # about a\n  a:\n    type: stdio\n    cmd: x\n  b: # builtin\n    type: builtin\n',
    )
    await home.run(ALL)
    const text = home.read('.config/goose/config.yaml')
    for (const line of [
      '# top',
      'GOOSE_MODEL: x # model',
      '# builtin',
      '    uri: http://127.0.0.1:7420/mcp',
    ]) {
      assert.ok(text.includes(line), text)
    }
    assert.ok(!text.includes('cmd: x'))
  })
})

void describe('whatever the layout', () => {
  const name = fc.constantFrom(
    'a',
    'b',
    'c d',
    'ünï',
    'x.y',
    '"q"',
    '__proto__',
    'constructor',
    'countersign',
  )
  const entry = fc.oneof(
    fc.record({
      command: fc.constantFrom('x', 'C:\\x'),
      args: fc.array(fc.string(), { maxLength: 2 }),
    }),
    fc.record({ url: fc.webUrl() }),
    fc.record({ type: fc.constant('ws') }),
    fc.jsonValue({ maxDepth: 1 }),
  )
  const servers = fc.dictionary(name, entry, { maxKeys: 4 })
  const space = fc.constantFrom('', ' ', '\n', '\r\n', '\t', '  ', ' // c\n', '/* c */', '\n\n    ')
  /** JSON with comments and blanks wherever they may stand. */
  const json = fc
    .tuple(
      servers,
      fc.dictionary(fc.constantFrom('other', 'z'), fc.jsonValue({ maxDepth: 1 })),
      fc.infiniteStream(space),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([mcpServers, others, blanks, trailing, mark]) => {
      const gap = (): string => String(blanks.next().value)
      const object = (fields: readonly (readonly [string, string])[]): string =>
        `{${gap()}${fields.map(([key, value]) => `${gap()}${JSON.stringify(key)}${gap()}:${gap()}${value}${gap()}`).join(',')}${trailing && fields.length > 0 ? ',' : ''}${gap()}}`
      const inner = object(
        Object.entries(mcpServers).map(([key, value]) => [key, JSON.stringify(value)]),
      )
      const outer = [
        ...Object.entries(others).map(([key, value]): [string, string] => [
          key,
          JSON.stringify(value),
        ]),
        ['mcpServers', inner] as const,
      ]
      return `${mark ? '\uFEFF' : ''}${gap()}${object(outer)}${gap()}`
    })

  test('undo gives back every byte of a JSON file, and the file in between is sound', async () => {
    await fc.assert(
      fc.asyncProperty(json, async (text) => {
        using home = makeHome()
        home.put('.cursor/mcp.json', text)
        const before = home.everything()
        const { code, out } = await home.run(ALL)
        assert.equal(code, 0, out)
        assert.ok(FORMATS.json.read(home.read('.cursor/mcp.json').replace(/^\uFEFF/, '')).ok)
        assert.match((await home.run(ALL)).out, /Nothing is left to do/)
        await home.run({ undo: true })
        assert.deepEqual(home.everything(), before)
      }),
      { numRuns: 60 },
    )
  })

  const change = fc.record({
    key: fc.constant(['mcpServers']),
    remove: fc.uniqueArray(name, { maxLength: 3 }),
    put: fc.constantFrom({}, { countersign: { url: 'http://127.0.0.1:7420/mcp' } }),
  })

  test('an edit is exactly the change that was asked for, or is refused', () => {
    fc.assert(
      fc.property(json, change, (text, wanted) => {
        const result = edit(FORMATS.json, text.replace(/^\uFEFF/, ''), [wanted])
        assert.ok(result.ok, result.ok ? '' : result.problem)
        const read = FORMATS.json.read(result.text)
        assert.ok(read.ok)
        const after: unknown = read.value['mcpServers']
        assert.ok(typeof after === 'object' && after !== null)
        for (const gone of wanted.remove)
          assert.ok(!Object.hasOwn(after, gone) || gone in wanted.put)
        for (const put of Object.keys(wanted.put)) assert.ok(Object.hasOwn(after, put))
      }),
      { numRuns: 500 },
    )
  })
})
