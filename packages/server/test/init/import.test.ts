import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { systemWorld } from '#base'
import { loadConfig, type Config } from '#config'
import { makeHome, type Home } from './home.ts'

const config = ({ cwd }: Home, env: Readonly<Record<string, string>> = {}): Config =>
  loadConfig({ ...systemWorld, env: (name) => env[name] }, join(cwd, 'countersign.yaml'))

const YES = { yes: true }
const ALL = { yes: true, writeClients: true }
const server = (entry: object, name = 'a'): string =>
  JSON.stringify({ mcpServers: { [name]: entry } })

void describe('init', () => {
  test('changes nothing when nobody said yes, and says how to', async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', server({ command: 'x' }))
    const before = home.everything()
    const { code, out } = await home.run({ writeClients: true })
    assert.equal(code, 0)
    assert.match(out, /Nothing was changed\. To do it: {2}countersign init --yes/)
    assert.match(out, /^Cursor +a +stdio +- +goes into countersign\.yaml as a$/m)
    assert.deepEqual(home.everything(), before)
    await home.run({ ...ALL, dryRun: true })
    assert.deepEqual(home.everything(), before)
  })

  test('writes a starter to be filled in when no client is found', async () => {
    using home = makeHome()
    const { out } = await home.run(YES)
    assert.match(out, /No servers were found/)
    assert.match(
      home.read('work/countersign.yaml'),
      /^# yaml-language-server: \$schema=https:\/\/\S+\n[^]*\n {2}# files:\n/,
    )
    assert.deepEqual(config(home).servers, [])
    assert.match((await home.run(YES)).out, /Nothing is left to do/)
  })

  test('asks at a terminal, first for our file and then for the clients', async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', server({ command: 'x' }))
    const refused = await home.run({}, { answers: [false] })
    assert.deepEqual(refused.asked, ['\nWrite countersign.yaml?'])
    const before = home.read('.cursor/mcp.json')
    const half = await home.run({}, { answers: [true, false] })
    assert.match(half.asked[1] ?? '', /^Point Cursor at Countersign\?/)
    assert.equal(home.read('.cursor/mcp.json'), before)
    const whole = await home.run({}, { answers: [true] })
    assert.equal(whole.asked.length, 1)
    assert.match(home.read('.cursor/mcp.json'), /127\.0\.0\.1:7420\/mcp/)
    assert.match(whole.out, /Cursor: Restart it/)
  })

  test('run twice changes nothing the second time', async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', server({ command: 'x', env: { API_TOKEN: 'abcdef123456' } }))
    home.put('.codex/config.toml', '[mcp_servers.a]\ncommand = "y"\n')
    for (const options of [YES, ALL]) {
      await home.run(options)
      const once = home.everything()
      const { out } = await home.run(options)
      assert.deepEqual(home.everything(), once)
      assert.match(out, options === ALL ? /Nothing is left to do/ : /has it already/)
    }
  })

  test('adds new servers to a file of ours and keeps what people wrote in it', async () => {
    using home = makeHome()
    const ours =
      '# mine\nlisten: { port: 9000 } # odd\nservers:\n  # first\n  old: { command: z }\n'
    home.put('work/countersign.yaml', ours)
    home.put('.cursor/mcp.json', server({ command: 'x' }))
    await home.run(ALL)
    const text = home.read('work/countersign.yaml')
    assert.ok(text.startsWith('# mine\nlisten: { port: 9000 } # odd\nservers:\n  # first\n'), text)
    assert.deepEqual(
      config(home).servers.map(({ id }) => id),
      ['old', 'a'],
    )
    assert.match(home.read('.cursor/mcp.json'), /127\.0\.0\.1:9000\/mcp/)
  })

  test('refuses to touch anything while our own file has mistakes', async () => {
    using home = makeHome()
    home.put('work/countersign.yaml', 'server: {}\n')
    home.put('.cursor/mcp.json', server({ command: 'x' }))
    const before = home.everything()
    const { code, out } = await home.run(ALL)
    assert.equal(code, 2)
    assert.match(out, /did you mean servers\?/)
    assert.deepEqual(home.everything(), before)
  })

  test('takes one server from two clients once, and different ones of one name apart', async () => {
    using home = makeHome()
    home.put('.claude.json', server({ type: 'http', url: 'https://x.example/mcp' }))
    home.put('.cursor/mcp.json', server({ url: 'https://x.example/mcp' }))
    home.put('.gemini/settings.json', server({ httpUrl: 'https://y.example/mcp' }, 'b'))
    home.put('.kiro/settings/mcp.json', server({ url: 'https://z.example/mcp' }, 'b'))
    const { out } = await home.run(YES)
    assert.deepEqual(
      config(home).servers.map(({ id }) => id),
      ['a', 'b-gemini', 'b-kiro'],
    )
    assert.match(
      home.read('work/countersign.yaml'),
      /# from Claude Code\n {2}# from Cursor\n {2}a:/,
    )
    assert.match(out, /different servers called b; one is b-kiro here/)
  })

  test('never stands in front of itself', async () => {
    using home = makeHome()
    const ours = [
      { url: 'http://127.0.0.1:7420/mcp' },
      { url: 'http://localhost:7420/mcp/files' },
      { command: 'countersign', args: ['serve', '--stdio'] },
      { command: 'npx', args: ['-y', 'countersign@latest', 'serve', '--stdio'] },
      { command: 'C:\\Tools\\countersign.cmd', args: ['serve'] },
    ]
    home.put(
      '.cursor/mcp.json',
      JSON.stringify({
        mcpServers: {
          ...Object.fromEntries(ours.map((entry, at) => [`n${at}`, entry])),
          countersign: { url: 'http://127.0.0.1:1/mcp' },
        },
      }),
    )
    const { out } = await home.run(YES)
    assert.equal(out.match(/points at Countersign already/g)?.length, 6)
    assert.deepEqual(config(home).servers, [])
  })

  test('gives a server of a project the folder of the project', async () => {
    using home = makeHome()
    home.put('work/.mcp.json', server({ command: './run', cwd: 'sub' }))
    home.put('work/.cursor/mcp.json', server({ command: './run' }, 'b'))
    await home.run(YES)
    assert.deepEqual(
      config(home).servers.map(
        ({ transport }) => transport.kind === 'stdio' && transport.process.cwd,
      ),
      [join(home.cwd, 'sub'), home.cwd],
    )
  })

  test('finds what Claude Code keeps for this folder only', async () => {
    using home = makeHome()
    const projects = {
      [home.cwd]: { mcpServers: { here: { command: 'x' } } },
      '/elsewhere': { mcpServers: { there: { command: 'y' } } },
    }
    home.put('.claude.json', JSON.stringify({ projects }, null, 2))
    await home.run(ALL)
    assert.deepEqual(
      config(home).servers.map(({ id }) => id),
      ['here'],
    )
    const after: unknown = JSON.parse(home.read('.claude.json'))
    assert.deepEqual(after, {
      projects: { [home.cwd]: { mcpServers: {} }, '/elsewhere': projects['/elsewhere'] },
      mcpServers: { countersign: { type: 'http', url: 'http://127.0.0.1:7420/mcp' } },
    })
  })

  test('speaks JSON to programs, without values of secrets', async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', server({ command: 'x', env: { API_TOKEN: 'abcdef123456' } }))
    const { out, asked } = await home.run({ ...YES, json: true }, { answers: [] })
    assert.deepEqual(asked, [])
    assert.ok(!out.includes('abcdef123456'))
    const value: unknown = JSON.parse(out)
    assert.ok(typeof value === 'object' && value !== null && 'servers' in value)
    assert.deepEqual(value.servers, [
      {
        client: 'cursor',
        file: join(home.home, '.cursor/mcp.json'),
        server: 'a',
        transport: 'stdio',
        secrets: ['A_API_TOKEN'],
        outcome: 'new',
        id: 'a',
        needs: [],
        what: 'goes into countersign.yaml as a',
      },
    ])
  })

  test('knows the clients of the table and no others', async () => {
    using home = makeHome()
    const { code, out } = await home.run({ clients: ['emacs'] })
    assert.equal(code, 64)
    assert.match(out, /There is no client "emacs"\. Known: claude-code, /)
  })

  test('looks only at the clients that are named, and makes their file when there is none', async () => {
    using home = makeHome()
    home.put('.cursor/mcp.json', server({ command: 'x' }))
    await home.run({ ...ALL, clients: ['kiro', 'claude-desktop', 'codex'] })
    assert.deepEqual(config(home).servers, [])
    assert.equal(home.read('.cursor/mcp.json'), server({ command: 'x' }))
    assert.match(home.read('.kiro/settings/mcp.json'), /"url": "http:\/\/127\.0\.0\.1:7420\/mcp"/)
    assert.match(
      home.read('.config/Claude/claude_desktop_config.json'),
      /"serve",\s+"--stdio",\s+"--config"/,
    )
    assert.equal(
      home.read('.codex/config.toml'),
      '[mcp_servers.countersign]\nurl = "http://127.0.0.1:7420/mcp"\n',
    )
    await home.run({ undo: true })
    assert.deepEqual([...home.everything().keys()].toSorted(), [
      join(home.home, '.cursor'),
      join(home.home, '.cursor/mcp.json'),
      home.cwd,
    ])
  })
})
