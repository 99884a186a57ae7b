import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { Fault } from '@countersign/contract'
import { systemWorld } from '#base'
import { isLoopback, loadConfig, parseConfig, type Config } from '#config'

const variables: Readonly<Record<string, string>> = {
  HOME: '/home/ada',
  TOKEN: 's3cr3t-t0k3n',
  EMPTY: '',
}
const world = { ...systemWorld, env: (name: string) => variables[name] }
const read = (text: string, path = '/etc/countersign.yaml'): Config =>
  parseConfig({ world, text, path })

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

const one = (body: string): Config['servers'][number] => {
  const [server] = read(`servers:\n  a: ${body}\n`).servers
  assert.ok(server)
  return server
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-config-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

void describe('a configuration', () => {
  test('may be empty: everything has a default', () => {
    for (const text of ['', '# nothing\n', 'servers:\nviews:\n', '{}', '\uFEFF', '---\n']) {
      const config = read(text)
      assert.deepEqual(config.listen, { host: '127.0.0.1', port: 7420, proxies: [] })
      assert.equal(config.data, resolve('/etc/.countersign'))
      assert.deepEqual(config.servers, [])
      const { payloads, ...ledger } = config.ledger
      assert.deepEqual(ledger, { reads: 'batched', witnesses: [], witnessFor: [] })
      // AU-100: without being asked for, nothing that calls carried is kept.
      assert.deepEqual([payloads.arguments, payloads.results], [false, false])
      assert.equal(config.limits.bodyBytesMax, 4_194_304)
      assert.equal(config.limits.depthMax, 128)
    }
  })

  test('says what is kept of calls, by what they do', () => {
    const kept = '{ arguments: keep, retention: { read: off, write: 2 h }, bytesMax: 64 KiB }'
    const { payloads } = read(`ledger: { payloads: ${kept} }`).ledger
    assert.deepEqual([payloads.arguments, payloads.results], [true, false])
    const { read: off, write } = payloads.retentionMs
    assert.deepEqual([off, write, payloads.bytesMax], [0, 7_200_000, 65_536])
    for (const wrong of ['{ arguments: on }', '{ retention: { read: 1 s } }', '{ keep: all }']) {
      assert.throws(() => read(`ledger: { payloads: ${wrong} }`), /ledger/)
    }
  })

  test('becomes servers as the back door wants them', () => {
    const config = read(`
servers:
  files: { command: npx, args: [-y, fs], env: { K: "\${HOME}" }, cwd: sub, start: eager, era: legacy }
  remote: { url: https://mcp.example/mcp, headers: { Authorization: "Bearer \${TOKEN}" }, type: sse }
  own: { url: http://127.0.0.1:3001/mcp, command: node, args: [own.js], callTimeoutMs: 5000 }
`)
    assert.deepEqual(
      config.servers.map(({ id, transport, start, era }) => ({ id, transport, start, era })),
      [
        {
          id: 'files',
          transport: {
            kind: 'stdio',
            process: {
              command: 'npx',
              args: ['-y', 'fs'],
              env: { K: '/home/ada' },
              cwd: resolve('/etc/sub'),
            },
          },
          start: 'eager',
          era: 'legacy',
        },
        {
          id: 'remote',
          transport: {
            kind: 'sse',
            url: 'https://mcp.example/mcp',
            headers: { Authorization: 'Bearer s3cr3t-t0k3n' },
          },
          start: 'demand',
          era: 'auto',
        },
        {
          id: 'own',
          transport: {
            kind: 'http',
            url: 'http://127.0.0.1:3001/mcp',
            headers: {},
            process: { command: 'node', args: ['own.js'], env: {}, cwd: resolve('/etc') },
          },
          start: 'demand',
          era: 'auto',
        },
      ],
    )
    assert.equal(config.servers[2]?.callTimeoutMs, 5_000)
  })

  test('understands sizes with units', () => {
    assert.equal(read('limits: { bodyBytesMax: 2 MiB }').limits.bodyBytesMax, 2_097_152)
    assert.equal(read('limits: { headerBytesMax: 16KiB }').limits.headerBytesMax, 16_384)
    assert.equal(read('limits: { bodyBytesMax: 65536 }').limits.bodyBytesMax, 65_536)
    assert.match(
      refusal('limits: { bodyBytesMax: 2 GiB }'),
      /1:11 {2}limits\.bodyBytesMax .*64 MiB/,
    )
  })

  test('leaves disabled servers out, and asks for none of their variables', () => {
    const config = read(`
servers:
  a: { command: x, env: { K: "\${NOWHERE}" }, disabled: true }
  b: { command: y }
views: { both: { servers: [a, b] } }
`)
    assert.deepEqual(
      config.servers.map(({ id }) => id),
      ['b'],
    )
    assert.deepEqual(config.disabled, ['a'])
    assert.deepEqual(config.views, [{ name: 'both', servers: ['b'] }])
  })
})

void describe('variables', () => {
  test('are filled in, with a fallback where nothing is set', () => {
    const env =
      '{ A: "${HOME}", B: "${NO:-x:y}", C: "${env:TOKEN}", D: "${EMPTY:-d}", E: "$${HOME}", F: "${EMPTY}" }'
    const { transport } = one(`{ command: x, env: ${env} }`)
    assert.ok(transport.kind === 'stdio')
    assert.deepEqual(transport.process.env, {
      A: '/home/ada',
      B: 'x:y',
      C: 's3cr3t-t0k3n',
      D: 'd',
      E: '${HOME}',
      F: '',
    })
  })

  test('that are missing are named with their place', () => {
    assert.match(
      refusal('servers:\n  a:\n    command: x\n    env:\n      KEY: "${NOPE}"\n'),
      /^countersign\.yaml:5:7 {2}servers\.a\.env\.KEY {2}the variable NOPE is not set {2}\(.+\)$/m,
    )
  })

  test('that a client asks a person for need a value', () => {
    const text = '{"servers":{"a":{"command":"x","env":{"K":"${input:key}"}}},"inputs":[]}'
    assert.match(refusal(text, 'mcp.json'), /servers\.a\.env\.K {2}needs a value/)
  })

  test('never show what they hold in a mistake', () => {
    const message = refusal(`
servers:
  a: { url: "\${TOKEN}" }
  b: { url: "https://u:\${TOKEN}@x.example/" }
  c: { url: "ftp://\${TOKEN}/" }
  d: { command: "\${EMPTY}", cwd: "~/\${TOKEN}" }
  e: { url: https://x.example, headers: { "X Y": "\${TOKEN}", "A": "\${TOKEN}\\n" } }
`)
    assert.equal(message.split('\n').length, 8, message)
    assert.ok(!message.includes('s3cr3t'), message)
  })

  test('of the secrets file count less than those of the environment', () => {
    const text = 'servers: { a: { command: x, env: { A: "${TOKEN}", B: "${OTHER}" } } }'
    mkdirSync(join(folder, 'with', '.countersign'), { recursive: true })
    writeFileSync(
      join(folder, 'with', '.countersign', 'secrets.env'),
      'TOKEN=file\nOTHER="a \\"b\\"\\n"\n',
    )
    const [server] = loadConfig(world, file('with/countersign.yaml', text)).servers
    assert.ok(server?.transport.kind === 'stdio')
    assert.deepEqual(server.transport.process.env, { A: 's3cr3t-t0k3n', B: 'a "b"\n' })
    writeFileSync(join(folder, 'with', '.countersign', 'secrets.env'), 'TOKEN=s3cr3t\n=x\n')
    assert.throws(
      () => loadConfig(world, join(folder, 'with/countersign.yaml')),
      /line 2 of secrets\.env/,
    )
  })
})

void describe('a block of another client', () => {
  test('is understood in every spelling', () => {
    const config = read(`
mcpServers:
  one: { type: streamableHttp, url: https://a.example/mcp, timeout: 60 }
  two: { type: streamable_http, uri: https://b.example/mcp, enabled: true }
  three: { httpUrl: https://c.example/mcp, trust: true }
  four: { serverUrl: https://d.example/mcp, headers: { Accept: x, "X-Key": "\${TOKEN}" } }
  five: { type: local, command: [npx, -y, pkg], environment: { A: b } }
  six: { transport: { type: stdio, command: uvx, args: [x] }, autoApprove: [y] }
  seven: { command: { path: go, args: [run] } }
  "Big Name!": { command: x, disabled: true }
  eight: { type: SSE, url: http://e.example/sse, headers: { A: b } }
`)
    assert.deepEqual(
      config.servers.map(({ id, transport }) => [
        id,
        transport.kind,
        transport.kind === 'stdio' ? transport.process.args.join(' ') : transport.url,
      ]),
      [
        ['one', 'http', 'https://a.example/mcp'],
        ['two', 'http', 'https://b.example/mcp'],
        ['three', 'http', 'https://c.example/mcp'],
        ['four', 'http', 'https://d.example/mcp'],
        ['five', 'stdio', '-y pkg'],
        ['six', 'stdio', 'x'],
        ['seven', 'stdio', 'run'],
        ['eight', 'sse', 'http://e.example/sse'],
      ],
    )
    assert.deepEqual(config.disabled, ['big-name'])
    assert.deepEqual(config.notes, [
      'mcpServers.one: not used: timeout',
      'mcpServers.three: not used: trust',
      'mcpServers.six: not used: autoApprove',
      'mcpServers."Big Name!" is called big-name here',
      'mcpServers.four: the header accept is written by us; yours is not sent',
      'mcpServers.eight: its headers travel unencrypted; use https',
    ])
  })

  test('names the field as it is written there', () => {
    assert.match(
      refusal('mcpServers: { a: { httpUrl: nope } }'),
      /mcpServers\.a\.httpUrl {2}not a URL/,
    )
    assert.match(refusal('mcpServers: { a: { url: https://x, type: ws } }'), /mcpServers\.a\.type/)
  })

  test('is read from the files of VS Code and Claude Code', () => {
    const code =
      '{"inputs": [], "servers": {"a": {"type": "http", "url": "https://x.example/", "dev": {}}}}'
    assert.deepEqual(
      read(code, 'mcp.json').servers.map(({ id }) => id),
      ['a'],
    )
    const claude = '{"numStartups": 3, "mcpServers": {"a": {"command": "x"}}, "projects": {}}'
    const config = read(claude, '/home/ada/.claude.json')
    assert.deepEqual(
      config.servers.map(({ id }) => id),
      ['a'],
    )
    assert.match(config.notes.join('\n'), /file of Claude Code; not used: numStartups, projects/)
    assert.equal(read(claude, 'other.json').servers.length, 1)
  })

  test('does not make a misspelt field of our own file pass', () => {
    assert.match(refusal('{"mcpServers": {}, "limit": {}}', 'our.json'), /did you mean limits\?/)
    assert.match(refusal('mcpServers: {}\nnumStartups: 3\n', 'countersign.yaml'), /unknown field/)
    assert.match(
      refusal('{"mcpServers": {}, "listen": {}, "numStartups": 1}', 'mcp.json'),
      /unknown/,
    )
  })
})

test('Loopback is this machine and nothing that looks like it', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1', '[::1]']) {
    assert.ok(isLoopback(host), host)
  }
  for (const host of [
    '0.0.0.0',
    '::',
    '127.0.0.1.example',
    '127.1',
    '1270.0.0.1',
    'localhost.example',
    '',
  ]) {
    assert.ok(!isLoopback(host), host)
  }
})
