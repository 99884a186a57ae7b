import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { ACCESS_TOKEN } from '../../src/auth/grants/delegation.ts'
import { JWT_BEARER, TOKEN_EXCHANGE } from '../../src/auth/grants/make-grants.ts'
import { makeKey, startIssuer, type FakeIssuer, type Minting } from './fake-issuer.ts'
import {
  bearer,
  calling,
  challenged,
  isShort,
  openGuarded,
  PEER,
  proofMaker,
  send,
  type GuardedHouse,
} from './guarded-house.ts'

type Loose = Readonly<Record<string, unknown>>

const JWT = 'urn:ietf:params:oauth:token-type:jwt'
const ID_JAG = 'oauth-id-jag+jwt'
const SUBJECT = 'repo:acme/tools:ref:refs/heads/main'

let platform: FakeIssuer
let idp: FakeIssuer
let house: GuardedHouse

const stack = new AsyncDisposableStack()
before(async () => {
  platform = stack.use(await startIssuer())
  idp = stack.use(await startIssuer())
  house = stack.use(
    await openGuarded({
      servers: {
        peer: { ...PEER, tools: { ...PEER.tools, steps: { effect: 'write' } } },
        other: PEER,
      },
      auth: {
        embedded: {
          workloads: {
            ci: {
              issuer: platform.issuer,
              rules: [
                {
                  claims: { sub: 'repo:acme/tools:*' },
                  views: ['', 'peer'],
                  scopes: ['peer:read', 'tool:peer.seen'],
                },
              ],
            },
          },
          enterprises: [{ issuer: idp.issuer, views: ['peer'], scopes: ['peer:read'] }],
          delegation: { clients: ['workload:ci:repo:acme/*', 'agent'] },
        },
      },
    }),
  )
})
after(() => stack.disposeAsync())

const issuer = (): string => `http://127.0.0.1:${house.port}/oauth`
const identity = (more: Minting = {}): Promise<string> =>
  platform.mint({
    ...more,
    header: { typ: 'JWT', ...more.header },
    claims: {
      sub: SUBJECT,
      aud: issuer(),
      client_id: undefined,
      scope: undefined,
      ...more.claims,
    },
  })

interface TokenAnswer {
  readonly access_token: string
  readonly token_type: string
  readonly expires_in: number
  readonly scope: string
  readonly refresh_token?: string
  readonly issued_token_type?: string
  readonly error?: string
}

interface Answered {
  readonly status: number
  readonly json: TokenAnswer
  readonly headers: Headers
}

async function post(params: Loose, headers: Record<string, string> = {}): Promise<Answered> {
  const sent = Object.entries(params).filter(([, value]) => value !== undefined)
  const response = await fetch(`${issuer()}/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(sent.map(([name, value]): [string, string] => [name, String(value)])),
  })
  return {
    status: response.status,
    json: (await response.json()) as never,
    headers: response.headers,
  }
}
const present = async (params: Loose = {}, headers: Record<string, string> = {}) =>
  post(
    {
      grant_type: JWT_BEARER,
      assertion: await identity(),
      resource: house.audience('peer'),
      ...params,
    },
    headers,
  )

/** A client with a secret, and how it shows that. */
async function addAgent({ house: { admin } }: GuardedHouse, id?: string) {
  const made = await admin.addClient({
    name: 'Agent',
    redirectUris: ['https://agent.example/back'],
    method: 'client_secret_basic',
    ...(id === undefined ? {} : { id }),
  })
  const pair = Buffer.from(`${made.client.id}:${made.secret ?? ''}`).toString('base64')
  return { id: made.client.id, headers: { authorization: `Basic ${pair}` } }
}

const notes = async (kind: string) =>
  (await house.house.ledger.read({ last: 200 })).filter((entry) => entry.kind === kind)

describe('the embedded server for programs', () => {
  // WI1, AS35
  it('says what it takes', async () => {
    const response = await fetch(
      `http://127.0.0.1:${house.port}/.well-known/oauth-authorization-server/oauth`,
    )
    const metadata: Readonly<Record<string, readonly string[]>> = (await response.json()) as never
    assert.ok(metadata['grant_types_supported']?.includes(JWT_BEARER))
    assert.ok(metadata['grant_types_supported']?.includes(TOKEN_EXCHANGE))
    const profiles = ['urn:ietf:params:oauth:grant-profile:id-jag']
    assert.deepEqual(metadata['authorization_grant_profiles_supported'], profiles)
  })

  it('gives one tool of a class even before its server was ever asked for its tools', async () => {
    const { status, json } = await present({ scope: 'tool:peer.echo' })
    assert.equal(status, 200, JSON.stringify(json))
    assert.equal(json.scope, 'tool:peer.echo')
  })

  // WI1, WI4, AT4
  it('gives a program a token for its identity, which opens what its rule says', async () => {
    const { status, json, headers } = await present()
    assert.equal(status, 200, JSON.stringify(json))
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(json.token_type, 'Bearer')
    assert.equal(json.expires_in, 300)
    assert.equal(json.scope, 'peer:read tool:peer.seen')
    assert.equal(json.refresh_token, undefined)
    const claims = decodeJwt(json.access_token)
    assert.equal(decodeProtectedHeader(json.access_token).typ, 'at+jwt')
    assert.equal(claims.iss, issuer())
    assert.equal(claims.aud, house.audience('peer'))
    assert.equal(claims.sub, `workload:ci:${SUBJECT}`)
    assert.equal(claims['client_id'], claims.sub)

    const shown = bearer(json.access_token)
    assert.equal((await send(house, calling('echo', shown))).status, 200)
    assert.equal((await send(house, calling('seen', shown))).status, 200)
    isShort(await send(house, calling('steps', shown)), 'tool:peer.steps')
    assert.equal((await send(house, calling('echo', shown), 'other')).status, 401)
    assert.equal((await send(house, calling('echo', bearer(await identity())))).status, 401)

    // WI5: who got it, on what grounds; and each call under its name.
    const issued = (await notes('token.issued')).at(-1)!.body
    assert.equal(issued['token'], claims.jti)
    assert.equal(issued['subject'], claims.sub)
    const called = (await notes('call.opened')).at(-1)!.body
    assert.match(JSON.stringify(called), new RegExp(encodeURIComponent(`workload:ci:${SUBJECT}`)))
    assert.doesNotMatch(JSON.stringify(await house.house.ledger.read({ last: 200 })), /eyJ/)
  })

  // WI2, CO4
  it('gives one token for an identity, of thirty-two that ask at once', async () => {
    const assertion = await identity()
    const all = await Promise.all(Array.from({ length: 32 }, () => present({ assertion })))
    const statuses = all.map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join())
    const losers = all.filter(({ status }) => status !== 200)
    assert.ok(losers.every(({ status, json }) => status === 400 && json.error === 'invalid_grant'))
  })

  // WI9
  it('says what is wrong in the words of the standard', async () => {
    const cases: readonly [Loose, number, string][] = [
      [{ scope: 'peer:admin' }, 400, 'invalid_scope'],
      [{ resource: house.audience('other') }, 400, 'invalid_target'],
      [{ resource: 'https://evil.example/mcp' }, 400, 'invalid_target'],
      [{ resource: undefined }, 400, 'invalid_target'],
      [{ assertion: undefined }, 400, 'invalid_request'],
      // {"typ":5,"alg":"ES256"}
      [{ assertion: 'eyJ0eXAiOjUsImFsZyI6IkVTMjU2In0.e30.AA' }, 400, 'invalid_grant'],
      [{ assertion: 'x' }, 400, 'invalid_grant'],
      [{ assertion: await identity({ claims: { sub: 'repo:evil/tools' } }) }, 400, 'invalid_grant'],
      [{ client_id: 'nobody', client_secret: 'x' }, 401, 'invalid_client'],
      [{ grant_type: 'client_credentials' }, 400, 'invalid_request'],
    ]
    for (const [params, status, error] of cases) {
      const { json, ...answer } = await present(params)
      assert.equal(json.error, error, JSON.stringify([params, json]))
      assert.equal(answer.status, status)
      assert.doesNotMatch(JSON.stringify(json), /eyJ/)
    }
  })

  it('binds the token to the key of a proof, which is then needed with each call', async () => {
    const key = await makeKey()
    const { prove, jkt } = proofMaker(key, `${issuer()}/token`)
    const { status, json } = await present({}, { dpop: await prove() })
    assert.equal(status, 200, JSON.stringify(json))
    assert.equal(json.token_type, 'DPoP')
    const token = json.access_token
    assert.deepEqual(decodeJwt(token)['cnf'], { jkt: await jkt() })
    assert.equal((await send(house, calling('echo', bearer(token)))).status, 401)
    const proof = await proofMaker(key, house.audience('peer')).prove({ token })
    const shown = { authorization: `DPoP ${token}`, dpop: proof }
    assert.equal((await send(house, calling('echo', shown))).status, 200)
  })

  it('takes a proof once, and the identity that came with it is not used up by that', async () => {
    const { prove } = proofMaker(await makeKey(), `${issuer()}/token`)
    const dpop = await prove()
    assert.equal((await present({}, { dpop })).status, 200)
    const assertion = await identity()
    assert.equal((await present({ assertion }, { dpop })).json.error, 'invalid_dpop_proof')
    assert.equal((await present({ assertion })).status, 200)
  })

  // GV3, GV4
  it('lets a program act for somebody whose token it holds, for less and not for long', async () => {
    const { json } = await present({ resource: house.audience() })
    const exchange = async (token: string, params: Loose = {}) =>
      post({
        grant_type: TOKEN_EXCHANGE,
        subject_token: token,
        subject_token_type: ACCESS_TOKEN,
        actor_token: await identity({ claims: { sub: 'repo:acme/tools:agent' } }),
        actor_token_type: JWT,
        ...params,
      })
    const first = await exchange(json.access_token, {
      resource: house.audience('peer'),
      scope: 'peer:read',
    })
    assert.equal(first.status, 200, JSON.stringify(first.json))
    assert.equal(first.json.issued_token_type, ACCESS_TOKEN)
    assert.equal(first.json.scope, 'peer:read')
    assert.ok(first.json.expires_in <= 120)
    const claims = decodeJwt(first.json.access_token)
    assert.equal(claims.sub, `workload:ci:${SUBJECT}`)
    assert.equal((claims['act'] as Loose)['sub'], 'workload:ci:repo:acme/tools:agent')
    assert.ok(claims.exp! <= decodeJwt(json.access_token).exp!)
    const shown = bearer(first.json.access_token)
    assert.equal((await send(house, calling('echo', shown))).status, 200)
    isShort(await send(house, calling('seen', shown)), 'tool:peer.seen')

    const wider = await exchange(first.json.access_token, { scope: 'tool:peer.seen' })
    assert.equal(wider.json.error, 'invalid_scope')
    const back = await exchange(first.json.access_token, { resource: house.audience() })
    assert.equal(back.json.error, 'invalid_target')
    // A chain of four, and no fifth.
    let token: string = first.json.access_token
    for (const length of [2, 3, 4]) {
      const next = await exchange(token)
      assert.equal(next.status, 200, `${length}: ${JSON.stringify(next.json)}`)
      token = next.json.access_token
      assert.equal((await send(house, calling('echo', bearer(token)))).status, 200)
    }
    assert.equal((await exchange(token)).json.error, 'invalid_grant')
  })

  it('gives nothing for a token that was revoked', async () => {
    const { json } = await present()
    const { jti } = decodeJwt(json.access_token)
    await house.house.admin.revoke({ token: String(jti) })
    const { json: refused } = await post({
      grant_type: TOKEN_EXCHANGE,
      subject_token: json.access_token,
      subject_token_type: ACCESS_TOKEN,
      actor_token: await identity(),
      actor_token_type: JWT,
    })
    assert.equal(refused.error, 'invalid_grant')
    assert.match(
      challenged(await send(house, calling('echo', bearer(json.access_token)))),
      /invalid_token/,
    )
  })

  // AS29, AS30, AS31, AS34
  it('gives a client that proves itself a token about a person, at the word of an enterprise', async () => {
    const agent = await addAgent(house)
    const statement = (more: Loose = {}): Promise<string> =>
      idp.mint({
        header: { typ: ID_JAG },
        claims: {
          aud: issuer(),
          client_id: agent.id,
          resource: house.audience('peer'),
          scope: 'peer:read peer:admin',
          ...more,
        },
      })
    const ask = async (assertion: string, params: Loose = {}) =>
      post({ grant_type: JWT_BEARER, assertion, ...params }, agent.headers)
    const assertion = await statement()
    const all = await Promise.all(Array.from({ length: 32 }, () => ask(assertion)))
    const [won, ...more] = all.filter(({ status }) => status === 200)
    assert.ok(won && more.length === 0, all.map(({ json }) => json.error).join())
    assert.equal(won.json.scope, 'peer:read')
    assert.equal(won.json.refresh_token, undefined)
    const claims = decodeJwt(won.json.access_token)
    assert.equal(claims.sub, `${idp.issuer}#ada`)
    assert.equal(claims['client_id'], agent.id)
    assert.equal((await send(house, calling('echo', bearer(won.json.access_token)))).status, 200)
    const other = await ask(await statement({ client_id: 'other' }))
    assert.equal(other.json.error, 'invalid_grant')
    const elsewhere = await ask(await statement({ resource: house.audience('other') }))
    assert.equal(elsewhere.json.error, 'invalid_target')
  })

  it('lets a client act for others only when it is named', async () => {
    const { json } = await present()
    const exchange = async (headers: Record<string, string>) =>
      post(
        {
          grant_type: TOKEN_EXCHANGE,
          subject_token: json.access_token,
          subject_token_type: ACCESS_TOKEN,
        },
        headers,
      )
    const named = await addAgent(house, 'agent')
    const { status, json: given } = await exchange(named.headers)
    assert.equal(status, 200, JSON.stringify(given))
    const claims = decodeJwt(given.access_token)
    assert.equal(claims['client_id'], 'agent')
    assert.equal((claims['act'] as Loose)['sub'], 'agent')
    // A program is a program still when another one acts for it.
    assert.equal(claims['sub_profile'], 'workload')
    const stranger = await addAgent(house)
    assert.equal((await exchange(stranger.headers)).json.error, 'unauthorized_client')
  })

  // WI4
  it('passes over the name of a client that proves nothing', async () => {
    const { status, json } = await present({ client_id: 'some-library' })
    assert.equal(status, 200, JSON.stringify(json))
    assert.equal(decodeJwt(json.access_token)['client_id'], `workload:ci:${SUBJECT}`)
  })

  // WI9
  it('says that a client may not use a grant by the error for that', async () => {
    const { client } = await house.house.admin.addClient({
      name: 'Open',
      redirectUris: ['http://127.0.0.1/x'],
    })
    const { status, json } = await post({ grant_type: 'client_credentials', client_id: client.id })
    assert.equal(json.error, 'unauthorized_client', JSON.stringify(json))
    assert.equal(status, 400)
  })

  // AT3, AS33
  it('takes no statement of an enterprise from whoever cannot prove which client it is', async () => {
    const statement = () =>
      idp.mint({
        header: { typ: ID_JAG },
        claims: { aud: issuer(), resource: house.audience('peer') },
      })
    const { status, json } = await post({ grant_type: JWT_BEARER, assertion: await statement() })
    assert.equal(status, 401)
    assert.equal(json.error, 'invalid_client')
    assert.equal((await send(house, calling('echo', bearer(await statement())))).status, 401)
  })
})
