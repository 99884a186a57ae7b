import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { parseConfig, type Config } from './parse-config.ts'

const ENV: Readonly<Record<string, string>> = { SECRET: 'hunter2' }
const read = (text: string): Config =>
  parseConfig({ world: { env: (name) => ENV[name] }, text, path: 'countersign.yaml' })

const issuer = (more = ''): string =>
  `auth: { issuers: [{ issuer: 'https://login.example/realms/work'${more} }] }`

function complains(text: string, problem: RegExp): void {
  assert.throws(() => read(text), { code: 'config/invalid', message: problem }, text)
}

describe('auth', () => {
  it('is off unless it is written', () => {
    assert.equal(read('').auth, undefined)
    assert.equal(read('auth:').auth, undefined)
  })

  it('needs an issuer, and strict defaults are enough for it', () => {
    complains('auth: {}', /auth\.issuers/)
    complains('auth: { issuers: [] }', /auth\.issuers {2}missing.*`embedded: \{\}`/s)
    const { auth } = read(issuer())
    const [one] = auth?.issuers ?? []
    assert.equal(one?.tokenType, 'at+jwt')
    assert.equal(one?.dpop, 'accepted')
    assert.equal(one?.reach, 'public')
    assert.equal(one?.audience, undefined)
    assert.equal(auth?.skewMs, 30_000)
    assert.ok(one?.algorithms.every((name) => !/^(?:HS|none)/.test(name)))
  })

  it('refuses what would weaken it', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      [issuer(", algorithms: ['HS256']"), /not one of the choices/],
      [issuer(", algorithms: ['none']"), /not one of the choices/],
      [issuer(', algorithms: []'), /too small/],
      [issuer(', jwksUri: http://login.example/jwks'), /not https/],
      [issuer(', tokentype: jwt'), /did you mean tokenType\?/],
      ['auth: { issuers: [{ issuer: http://login.example }] }', /not https/],
      ['auth: { issuers: [{ issuer: nobody }] }', /not a URL/],
      ["auth: { issuers: [{ issuer: 'https://a.example?x=1' }] }", /a query in an issuer/],
      ["auth: { issuers: [{ issuer: 'https://a.example#x' }] }", /a # part/],
      ["auth: { issuers: [{ issuer: 'https://u:p@a.example' }] }", /a password/],
      [
        'auth: { issuers: [{ issuer: https://a.example }, { issuer: https://a.example }] }',
        /named twice/,
      ],
      ['auth: { skew: 1 h, issuers: [{ issuer: https://a.example }] }', /auth\.skew/],
    ]
    for (const [text, problem] of wrong) complains(text, problem)
  })

  it('takes an issuer on this machine over http, which reaches nothing else', () => {
    const { auth } = read('auth: { issuers: [{ issuer: http://localhost:8080/realms/x }] }')
    assert.equal(auth?.issuers[0]?.reach, 'loopback')
    const { auth: inside } = read(issuer(', network: private'))
    assert.equal(inside?.issuers[0]?.reach, 'private')
  })

  it('takes a secret from the environment, and never shows it', () => {
    const more = ", introspection: { clientId: us, clientSecret: '${SECRET}' }"
    const config = read(issuer(more))
    assert.equal(config.auth?.issuers[0]?.introspection?.clientSecret.reveal(), 'hunter2')
    assert.doesNotMatch(JSON.stringify(config) + inspect(config, { depth: 9 }), /hunter2/)
    complains(issuer(more.replace('SECRET', 'NOPE')), /the variable NOPE is not set/)
    const two = ['a', 'b'].map(
      (name) =>
        `{ issuer: https://${name}.example, introspection: { clientId: x, clientSecret: y } }`,
    )
    complains(`auth: { issuers: [${two.join(', ')}] }`, /several issuers with introspection/)
  })
})

describe('other addresses', () => {
  it('are listened on with an issuer and a name, and not without', () => {
    const open = 'listen: { host: 0.0.0.0, publicUrl: https://mcp.example }\n'
    complains(open, /listening on other addresses needs authorization.*auth\.issuers/)
    assert.equal(read(open + issuer()).listen.publicUrl, 'https://mcp.example')
    complains(`listen: { host: 0.0.0.0 }\n${issuer()}`, /listen\.publicUrl {2}missing/)
    complains(`listen: { publicUrl: http://mcp.example }\n${issuer()}`, /not https/)
    complains('listen: { publicUrl: https://mcp.example }', /needs authorization/)
  })

  it('are not opened by an auth section with a mistake in it', () => {
    complains('listen: { host: 0.0.0.0 }\nauth: { issuers: [] }', /auth\.issuers/)
  })
})
