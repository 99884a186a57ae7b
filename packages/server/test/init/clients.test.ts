import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isFields, type Fields } from '#config'
import type { Client, ClientPlace } from '../../src/cli/clients/client.ts'
import { FORMATS } from '../../src/cli/clients/format.ts'
import { pathOf } from '../../src/cli/clients/place.ts'
import { CLIENTS } from '../../src/cli/clients/table.ts'
import { makeHome } from './home.ts'

const PLATFORMS = ['linux', 'darwin', 'win32'] as const
const ALL = { yes: true, writeClients: true }
const none = (): undefined => undefined

/** A file in which the client has one program and one address, in its own notation. */
const texts = {
  json: (key: readonly string[], entries: Fields): string =>
    JSON.stringify(
      key.reduceRight<unknown>((inner, step) => ({ [step]: inner }), entries),
      null,
      2,
    ),
  yaml: (key: readonly string[], entries: Fields): string =>
    `${key[0] ?? ''}: ${JSON.stringify(entries)}\n`,
  toml: (key: readonly string[]): string =>
    `[${key[0]}.local]\ncommand = "x"\nargs = ["y"]\n\n[${key[0]}.far]\nurl = "https://far.example/mcp"\n`,
}

function entriesFor(client: Client): Fields {
  const address = Object.entries(client.ours).find(([, value]) => value === '{url}')?.[0] ?? 'url'
  const { type } = client.ours
  const far = { [address]: 'https://far.example/mcp', ...(type === undefined ? {} : { type }) }
  return { local: { command: 'x', args: ['y'] }, far }
}

const inProject = (place: ClientPlace, cwd: string): string[] =>
  place.key.map((step) => (step === '{project}' ? cwd : step))

function slotIn(place: ClientPlace, text: string, cwd: string): Fields {
  const read = FORMATS[place.format].read(text)
  assert.ok(read.ok)
  let value: unknown = read.value
  for (const step of inProject(place, cwd)) value = isFields(value) ? value[step] : undefined
  assert.ok(isFields(value), text)
  return value
}

for (const platform of PLATFORMS) {
  void describe(`on ${platform}`, () => {
    for (const client of CLIENTS) {
      client.places.forEach((place, index) => {
        test(`${client.name} is read from, pointed at us in, and put back in its file ${index + 1}`, async () => {
          using home = makeHome()
          const where = { home: home.home, cwd: home.cwd, platform, env: none }
          const path = pathOf(place.path, where)
          if (path === undefined) return
          const key = inProject(place, home.cwd)
          const text = texts[place.format](key, entriesFor(client))
          const relative = path.slice(home.home.length + 1)
          home.put(relative, text)
          const before = home.everything()
          const { out, code } = await home.run({ ...ALL, clients: [client.id] }, { platform })
          assert.equal(code, 0, out)
          assert.match(out, /^\S.* local +stdio/m)
          assert.match(out, /^\S.* far +http/m)
          const slot = slotIn(place, home.read(relative), home.cwd)
          assert.equal('local' in slot || 'far' in slot, false)
          assert.match(home.read(relative), /127\.0\.0\.1:7420\/mcp|"serve"/)
          assert.match(out, new RegExp(`${client.name}: \\S`))
          assert.match(
            (await home.run({ ...ALL, clients: [client.id] }, { platform })).out,
            /Nothing is left to do/,
          )
          await home.run({ undo: true }, { platform })
          assert.deepEqual(home.everything(), before)
        })
      })
    }
  })
}

test('Every client has an id of its own, a file on some platform, and a way to us', () => {
  assert.equal(new Set(CLIENTS.map(({ id }) => id)).size, CLIENTS.length)
  for (const client of CLIENTS) {
    const paths = PLATFORMS.map((platform) =>
      pathOf(client.places[0]!.path, { home: '/h', cwd: '/w', platform, env: none }),
    )
    assert.ok(
      paths.some((path) => path !== undefined),
      client.id,
    )
    assert.match(JSON.stringify(client.ours), /\{url\}|\{command\}/)
  }
})

const at = (
  pattern: string,
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string>> = {},
) => pathOf(pattern, { home: '/home/ada', cwd: '/project', platform, env: (name) => env[name] })

test('The folders of each platform are where its programs look', () => {
  assert.equal(at('{config}/Code/x', 'linux'), join('/home/ada/.config/Code/x'))
  assert.equal(
    at('{config}/Code/x', 'darwin'),
    join('/home/ada/Library/Application Support/Code/x'),
  )
  assert.equal(at('{config}/Code/x', 'win32'), join('/home/ada/AppData/Roaming/Code/x'))
  assert.equal(at('{config}/x', 'win32', { APPDATA: '/roaming' }), join('/roaming/x'))
  assert.equal(at('{config}/x', 'linux', { XDG_CONFIG_HOME: '/xdg' }), join('/xdg/x'))
  assert.equal(at('{xdg}/x', 'darwin'), join('/home/ada/.config/x'))
  assert.equal(
    at('{CODEX_HOME:-~/.codex}/config.toml', 'linux'),
    join('/home/ada/.codex/config.toml'),
  )
  assert.equal(
    at('{CODEX_HOME:-~/.codex}/config.toml', 'linux', { CODEX_HOME: '/c' }),
    join('/c/config.toml'),
  )
  assert.equal(at('{project}/.mcp.json', 'linux'), join('/project/.mcp.json'))
})
