import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { ServerAuth } from '#vault'
import { parseConfig } from './parse-config.ts'

const ENV: Readonly<Record<string, string>> = { SECRET: 'hunter2' }
const configOf = (server: object) =>
  parseConfig({
    world: { env: (name) => ENV[name] },
    text: JSON.stringify({ servers: { cloud: server } }),
    path: 'countersign.yaml',
  })

const URL_OF = 'https://cloud.example/mcp'
function read(auth: object, url = URL_OF): ServerAuth {
  const [server] = configOf({ url, auth }).servers
  assert.ok(server?.auth)
  return server.auth
}

const complains = (server: object, ...problems: readonly RegExp[]): void => {
  for (const message of problems) {
    assert.throws(() => configOf(server), { code: 'config/invalid', message }, inspect(server))
  }
}

describe('servers.<id>.auth', () => {
  it('is off unless it is written, and then each person connects for themselves', () => {
    assert.equal(configOf({ url: URL_OF }).servers[0]?.auth, undefined)
    const auth = read({})
    assert.deepEqual([auth.grant, auth.per], ['authorization_code', 'principal'])
    assert.deepEqual([auth.reach, auth.registration, auth.originIssues], ['public', true, false])
    assert.equal(auth.client, undefined)
  })

  it('goes with the grant: what is about a person is theirs, what is about us is ours', () => {
    assert.equal(read({ grant: 'client_credentials' }).per, 'service')
    const issuer = 'https://login.example'
    assert.equal(read({ grant: 'token_exchange', issuer }).per, 'principal')
    assert.equal(read({ per: 'service' }).grant, 'authorization_code')
  })

  it('keeps secrets secret, and takes them from the environment', () => {
    const { client } = read({ clientId: 'us', clientSecret: '${SECRET}' })
    assert.equal(client?.secret?.reveal(), 'hunter2')
    const all = configOf({ url: URL_OF, auth: { clientId: 'us', clientSecret: '${SECRET}' } })
    assert.ok(!`${inspect(all, { depth: 9 })}${JSON.stringify(all)}`.includes('hunter2'))
    const keyed = read({ clientId: 'us', clientKey: '${SECRET}', clientKeyAlgorithm: 'RS256' })
    assert.equal(keyed.client?.key?.algorithm, 'RS256')
  })

  it('may name this machine only for a server on this machine', () => {
    assert.equal(read({}, 'http://127.0.0.1:1/mcp').reach, 'loopback')
    assert.equal(read({ network: 'private' }).reach, 'private')
  })

  it('is not for programs that we start: they are given what they need by env', () => {
    // OC28
    complains({ command: 'x', auth: {} }, /servers\.cloud\.auth {2}auth without url/)
  })

  it('says everything that cannot be meant, at once', () => {
    // AS17
    const wrong = {
      url: 'http://cloud.example/mcp',
      headers: { Authorization: 'Bearer x' },
      auth: {
        grant: 'client_credentials',
        per: 'principal',
        clientSecret: 'x',
        issuer: 'http://a.example',
        identityProvider: { clientId: 'us' },
      },
    }
    complains(
      wrong,
      /cloud\.url {2}not https/,
      /headers\.Authorization {2}a credential beside auth/,
      /auth\.per {2}client_credentials says nothing about who calls/,
      /auth\.clientSecret {2}clientSecret without clientId/,
      /auth\.issuer {2}not https/,
      /identityProvider {2}means nothing with client_credentials/,
      /identityProvider {2}neither issuer nor tokenUrl/,
    )
    complains({ url: URL_OF, auth: { grant: 'id_jag' } }, /identityProvider {2}missing/)
    complains(
      { url: URL_OF, auth: { grant: 'token_exchange', per: 'service' } },
      /about one person/,
    )
    complains({ url: URL_OF, auth: { grant: 'token_exchange' } }, /auth\.issuer {2}missing/)
    const workload = { grant: 'workload', statement: { env: 'TOKEN' } }
    complains({ url: URL_OF, auth: workload }, /auth\.issuer {2}missing/)
    assert.equal(read({ ...workload, clientId: 'us' }).grant, 'workload')
    complains({ url: URL_OF, auth: { clientid: 'us' } }, /did you mean clientId\?/)
    complains({ url: URL_OF, auth: { scopes: ['a b'] } }, /auth\.scopes/)
    const secret = { clientId: 'us', clientSecret: '${NOT_SET}' }
    complains({ url: URL_OF, auth: secret }, /auth\.clientSecret {2}.*NOT_SET/)
  })
})
