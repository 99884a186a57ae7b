import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
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

void describe('what people told their clients', () => {
  test('about a server is kept as comments, and that it is off is kept as it is', async () => {
    using home = makeHome()
    home.put(
      '.cursor/mcp.json',
      server({ command: 'x', autoApprove: ['read'], disabled: true, envFile: '.env' }),
    )
    home.put(
      '.codex/config.toml',
      '[mcp_servers.b]\ncommand = "y"\nenabled_tools = ["one"]\nenabled = false\ntool_timeout_sec = 90\n',
    )
    home.put(
      '.gemini/settings.json',
      server({ command: 'z', includeTools: ['two\n'], trust: true, timeout: 5_000 }, 'c'),
    )
    await home.run(YES)
    const text = home.read('work/countersign.yaml')
    for (const line of [
      '# Cursor had autoApprove: ["read"]',
      '# Cursor had envFile, which means nothing here',
      '# Codex had enabled_tools: ["one"]',
      '# Gemini CLI had includeTools: ["two\\n"]',
      '# Gemini CLI had trust: true',
      'callTimeoutMs: 90000',
      'callTimeoutMs: 5000',
    ]) {
      assert.ok(text.includes(line), line)
    }
    assert.deepEqual(config(home).disabled, ['a', 'b'])
  })

  test('with variables stays variables, in the notation of each client', async () => {
    using home = makeHome()
    const env = { TOK: 'value of tok', OTHER: 'other' }
    home.put(
      '.claude.json',
      server(
        {
          url: 'https://x.example/',
          headers: { A: 'Bearer ${TOK}', B: '${NONE:-d}', C: '$${TOK' },
        },
        'a',
      ),
    )
    home.put(
      '.cursor/mcp.json',
      server(
        {
          command: '${userHome}/x',
          args: ['${workspaceFolder}', '${TOK}'],
          env: { A: '${env:TOK}' },
        },
        'b',
      ),
    )
    home.put(
      '.gemini/settings.json',
      server({ command: 'x', env: { A: '$TOK-x', B: '${OTHER}' } }, 'c'),
    )
    home.put(
      '.config/opencode/opencode.json',
      JSON.stringify({ mcp: { d: { type: 'local', command: ['x', '{env:TOK}', '${TOK}'] } } }),
    )
    home.put(
      '.codex/config.toml',
      '[mcp_servers.e]\nurl = "https://y.example/"\nbearer_token_env_var = "TOK"\nenv_http_headers = { "X-O" = "OTHER" }\n',
    )
    home.put(
      '.config/Claude/claude_desktop_config.json',
      server({ command: 'x', args: ['${TOK}', '$TOK'] }, 'f'),
    )
    await home.run(YES, { env })
    const seen = Object.fromEntries(
      config(home, env).servers.map(({ id, transport }) => [id, transport]),
    )
    assert.deepEqual(seen, {
      a: {
        kind: 'http',
        url: 'https://x.example/',
        headers: { A: 'Bearer value of tok', B: 'd', C: '$${TOK' },
      },
      b: stdio(`${home.home}/x`, [home.cwd, '${TOK}'], { A: 'value of tok' }),
      c: stdio('x', [], { A: 'value of tok-x', B: 'other' }),
      d: stdio('x', ['value of tok', '${TOK}'], {}),
      e: {
        kind: 'http',
        url: 'https://y.example/',
        headers: { Authorization: 'Bearer value of tok', 'X-O': 'other' },
      },
      f: stdio('x', ['${TOK}', '$TOK'], {}),
    })
    assert.ok(!home.read('work/countersign.yaml').includes('value of tok'))
    function stdio(command: string, args: string[], variables: object): object {
      return { kind: 'stdio', process: { command, args, env: variables, cwd: home.cwd } }
    }
  })

  test('without a value on disk waits, disabled, and the client keeps its entry', async () => {
    using home = makeHome()
    home.put(
      '.config/Code/User/mcp.json',
      JSON.stringify({ servers: { a: { command: 'x', env: { K: '${input:api-key}' } } } }),
    )
    home.put('.claude.json', server({ command: 'y', env: { K: '${UNSET}' } }, 'b'))
    const { out } = await home.run(ALL)
    assert.match(out, /a, disabled: needs API_KEY/)
    assert.match(out, /b, disabled: needs UNSET/)
    assert.deepEqual(config(home).disabled, ['b', 'a'])
    assert.match(
      home.read('work/countersign.yaml'),
      /# needs a value: set API_KEY, then remove "disabled"/,
    )
    assert.match(home.read('.claude.json'), /\$\{UNSET\}/)
    assert.match(home.read('.config/Code/User/mcp.json'), /\$\{input:api-key\}/)
  })

  test('that we could not serve stays where it works', async () => {
    using home = makeHome()
    const mcpServers = {
      ws: { type: 'ws', url: 'wss://x.example' },
      bad: { url: 'nowhere' },
      none: {},
      number: { command: 3 },
      text: 'x',
      'a b!': { command: 'fine' },
    }
    home.put('.cursor/mcp.json', JSON.stringify({ mcpServers }))
    const { out } = await home.run(ALL)
    assert.equal(out.match(/stays as it is/g)?.length, 5)
    assert.deepEqual(
      config(home).servers.map(({ id }) => id),
      ['a-b'],
    )
    const { 'a b!': _, ...rest } = mcpServers
    const left: unknown = JSON.parse(home.read('.cursor/mcp.json'))
    assert.deepEqual(left, {
      mcpServers: { ...rest, countersign: { url: 'http://127.0.0.1:7420/mcp' } },
    })
  })
})

void describe('secrets', () => {
  test('go into a file for this person alone, under a name that our file uses', async () => {
    using home = makeHome()
    home.put(
      '.cursor/mcp.json',
      JSON.stringify({
        mcpServers: {
          github: {
            command: 'x',
            args: ['--api-key', 'abc def "9"', '--token=qwertz12', '--mode', 'fast', 'sk-abcdefgh'],
            env: { GITHUB_TOKEN: 'ghp_1234567890', LEVEL: 'debug', MONKEY: 'chimpanzee' },
          },
          remote: {
            url: 'https://x.example/mcp?api_key=topsecret1&v=2',
            headers: { Authorization: 'Bearer abc.def', 'X-Api-Key': 'abcdef', Accept: '*/*' },
          },
          db: { command: 'y', env: { DATABASE_URL: 'postgres://me:hunter22@db.example/x' } },
        },
      }),
    )
    const { out } = await home.run(YES)
    const yaml = home.read('work/countersign.yaml')
    const file = home.read('work/.countersign/secrets.env')
    for (const secret of [
      'abc def',
      'qwertz12',
      'sk-abcdefgh',
      'ghp_1234567890',
      'topsecret1',
      'abc.def',
      'abcdef',
      'hunter22',
    ]) {
      assert.ok(!yaml.includes(secret) && !out.includes(secret), secret)
      assert.ok(file.includes(secret), secret)
    }
    for (const plain of [
      'debug',
      'chimpanzee',
      'fast',
      'GITHUB_TOKEN: ${GITHUB_TOKEN}',
      'Bearer ${REMOTE_AUTHORIZATION}',
      '&v=2',
      'postgres://me:${DB_DATABASE_URL}@db.example/x',
    ]) {
      assert.ok(yaml.includes(plain), plain)
    }
    assert.equal(statSync(join(home.cwd, '.countersign/secrets.env')).mode & 0o777, 0o600)
    assert.equal(home.read('work/.countersign/.gitignore'), '*\n')
    const [github, remote] = config(home).servers
    assert.ok(github?.transport.kind === 'stdio' && remote?.transport.kind === 'http')
    assert.deepEqual(github.transport.process.args, [
      '--api-key',
      'abc def "9"',
      '--token=qwertz12',
      '--mode',
      'fast',
      'sk-abcdefgh',
    ])
    assert.equal(remote.transport.url, 'https://x.example/mcp?api_key=topsecret1&v=2')
    assert.equal(remote.transport.headers['Authorization'], 'Bearer abc.def')
  })

  test('never take a name that means something else in the environment', async () => {
    using home = makeHome()
    const env = { GITHUB_TOKEN: 'another' }
    home.put(
      '.cursor/mcp.json',
      server({ command: 'x', env: { GITHUB_TOKEN: 'ghp_1234567890' } }, 'github'),
    )
    await home.run(YES, { env })
    const [github] = config(home, env).servers
    assert.ok(github?.transport.kind === 'stdio')
    assert.equal(github.transport.process.env['GITHUB_TOKEN'], 'ghp_1234567890')
  })
})
