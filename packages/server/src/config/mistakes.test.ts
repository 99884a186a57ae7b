import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '@countersign/contract'
import { systemWorld } from '#base'
import { parseConfig, type Config } from '#config'

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

void describe('mistakes', () => {
  test('are all said at once, each with place, field and remedy', () => {
    const message = refusal(`listen: { host: 0.0.0.0, prt: 1 }
servers:
  files: { command: npx, args: [-y, 3], env: { K: "\${NOPE}" }, strat: eager }
  Remote: { url: ftp://x }
  r2: { url: "https://u:p@x/", type: ssee, callTimeoutMs: 5 }
views:
  r2: { servers: [filse, files, files] }
limits: { depthMax: 3.5 }
unknown: 1
`)
    const wanted = [
      'countersign.yaml:1:11  listen.host  refused: listening on other addresses needs authorization, which is not configured  (use 127.0.0.1, or configure `auth.issuers`)',
      'countersign.yaml:1:26  listen.prt  unknown field prt  (did you mean port?)',
      'countersign.yaml:3:37  servers.files.args[1]  expected text, found a number  (put it in quotes)',
      'countersign.yaml:3:48  servers.files.env.K  the variable NOPE is not set  (set NOPE in the environment, or write ${NOPE:-fallback})',
      'countersign.yaml:3:64  servers.files.strat  unknown field strat  (did you mean start?)',
      'countersign.yaml:4:3  servers.Remote  a name is at most 32 characters of a-z, 0-9, - and _, starting with a letter  (for example `remote`)',
      'countersign.yaml:4:13  servers.Remote.url  neither http nor https  (no other kind of URL is spoken)',
      'countersign.yaml:5:9  servers.r2.url  a password in the URL  (send it in headers: URLs are shown and recorded)',
      'countersign.yaml:5:32  servers.r2.type  not one of the choices  (stdio, http, sse)',
      'countersign.yaml:5:44  servers.r2.callTimeoutMs  too small  (at least 1000)',
      'countersign.yaml:7:3  views.r2  a server is called r2 too  (both would have the same URL)',
      'countersign.yaml:7:19  views.r2.servers[0]  no server has this name  (did you mean files?)',
      'countersign.yaml:7:33  views.r2.servers[2]  named twice  (remove one)',
      'countersign.yaml:8:11  limits.depthMax  expected a whole number, found a fraction  (write a whole number)',
    ]
    assert.deepEqual(message.split('\n').slice(1, -1), wanted)
    assert.match(message, /^15 mistakes/)
    assert.match(message, /9:1 {2}unknown {2}unknown field unknown {2}\(known here: listen, auth, /)
  })

  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['a list instead of a mapping', '- a', /1:1 {2}not a mapping/],
    ['a bare text', 'hello', /1:1 {2}not a mapping/],
    ['a tab as indentation', 'servers:\n\ta: 1\n', /2:1 {2}not valid YAML: a tab as indentation/],
    ['a quote left open', 'data: "x\n', /not valid YAML: a character is missing/],
    ['a variable without quotes in braces', 'servers: { a: { command: ${X} } }', /in quotes/],
    [
      'a name used twice',
      'servers:\n  a: { command: x }\n  a: { command: y }\n',
      /3:3 {2}servers\.a {2}a is here twice/,
    ],
    ['a second document', 'data: x\n---\ndata: y\n', /a second document/],
    ['an unknown tag', 'data: !danger x\n', /an unknown tag/],
    ['a server that is nothing', 'servers:\n  a:\n', /servers\.a {2}nothing is written here/],
    ['a server that is a text', 'servers: { a: npx }', /servers\.a {2}expected a mapping/],
    ['neither command nor url', 'servers: { a: { era: auto } }', /neither command nor url/],
    [
      'a command that is a list',
      'servers: { a: { command: [npx, x] } }',
      /a\.command {2}expected text, found a list/,
    ],
    ['an empty command', 'servers: { a: { command: "" } }', /a\.command {2}too small/],
    [
      'args without command',
      'servers: { a: { url: https://x, args: [b] } }',
      /a\.args {2}args without command/,
    ],
    [
      'headers without url',
      'servers: { a: { command: x, headers: { B: c } } }',
      /headers without url/,
    ],
    ['sse without url', 'servers: { a: { command: x, type: sse } }', /sse needs a url/],
    [
      'stdio with url',
      'servers: { a: { url: https://x, type: stdio } }',
      /type stdio does not fit/,
    ],
    ['a URL that is none', 'servers: { a: { url: x.example/mcp } }', /a\.url {2}not a URL/],
    ['a fragment', 'servers: { a: { url: "https://x/#y" } }', /a # part/],
    [
      'a header name with a space',
      'servers: { a: { url: https://x, headers: { "A B": c } } }',
      /not the name of a header/,
    ],
    [
      'a header twice',
      'servers: { a: { url: https://x, headers: { A: c, a: d } } }',
      /this header is here twice/,
    ],
    [
      'a line end in a header',
      'servers: { a: { url: https://x, headers: { A: "c\\nd" } } }',
      /no header may hold/,
    ],
    ['a zero character', 'servers: { a: { command: x, args: ["\\0"] } }', /a zero character/],
    [
      'a reserved name',
      'servers: { mcp: { command: x } }',
      /servers\.mcp {2}this name is reserved {2}\(for example `the-mcp`/,
    ],
    ['a key every object has', 'servers: { __proto__: { command: x } }', /not usable as a name/],
    [
      'names that make equal tools',
      'servers: { a-b: { command: x }, a_b: { command: y } }',
      /named like those of a-b/,
    ],
    [
      'a name in both blocks',
      'servers: { a: { command: x } }\nmcpServers: { a: { command: y } }',
      /2:15 {2}mcpServers\.a/,
    ],
    [
      'a port too high',
      'listen: { port: 70000 }',
      /listen\.port {2}too large {2}\(at most 65535\)/,
    ],
    [
      'a public URL with a path',
      'listen: { publicUrl: http://localhost/x }',
      /more or less than an origin/,
    ],
    [
      'a public URL others reach',
      'listen: { publicUrl: https://mcp.example }',
      /needs authorization/,
    ],
    ['a home folder as ~', 'data: ~/x', /~ means nothing here/],
    [
      'a wrong choice',
      'ledger: { reads: never }',
      /ledger\.reads {2}not one of the choices {2}\(batched, ahead\)/,
    ],
    [
      'a wrong word where there are several shapes',
      'redaction: { default: { secrets: masc } }',
      /default\.secrets {2}not usable {2}\(expected block, mask, record, off/,
    ],
    [
      'a unit that there is not',
      'quotas: [{ name: a, budget: { calls: 1, per: dya } }]',
      /budget\.per {2}not usable {2}\(expected day, week, month or a time/,
    ],
    ['a witness of no kind', 'ledger: { witnesses: [{ fil: x }] }', /one of file, url or counter/],
    ['an alias without anchor', 'data: *x', /alias/],
    ['a mapping as key', '{a: b}: c', /a key must be text/],
  ]
  for (const [name, text, wanted] of cases) {
    test(`name ${name}`, () => assert.match(refusal(text), wanted))
  }

  test('in a JSON file are found at their place, comments and trailing commas being allowed', () => {
    const text =
      '// ours\r\n{\r\n  "mcpServers": {\r\n    "a": { "command": 3 }, /* x */\r\n  },\r\n}\r\n'
    assert.match(
      refusal(text, 'x/mcp.json'),
      /^x\/mcp\.json:4:12 {2}mcpServers\.a\.command {2}expected text/m,
    )
    assert.match(
      refusal('{"mcpServers": {"a": {"command": "x" "y"}}}', 'mcp.json'),
      /not valid JSON/,
    )
  })

  test('show odd keys in a form that does nothing to a terminal', () => {
    const message = refusal('{"\\u001b[31mred\\u202e": 1}')
    assert.ok(!message.includes('\u001B') && !message.includes('\u202E'), JSON.stringify(message))
  })

  test('are fifty at most, with a count of the rest', () => {
    const message = refusal(
      `servers:\n${Array.from({ length: 80 }, (_, at) => `  s${at}: {}\n`).join('')}`,
    )
    assert.equal(message.split('\n').length, 52)
    assert.match(message, /^80 mistakes[^]*and 30 more$/)
  })
})
