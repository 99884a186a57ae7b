import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { calculateJwkThumbprint, decodeJwt, exportJWK } from 'jose'
import { systemWorld, type World } from '#base'
import { countersignIn, type Said } from '../policy/command.ts'
import { startIssuer, type FakeIssuer } from './fake-issuer.ts'
import { bearer, calling, openGuarded, PEER, send, type GuardedHouse } from './guarded-house.ts'

let platform: FakeIssuer
let house: GuardedHouse
let folder: string
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const stack = new AsyncDisposableStack()
before(async () => {
  platform = stack.use(await startIssuer())
  folder = mkdtempSync(join(tmpdir(), 'countersign-token-'))
  stack.defer(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  house = stack.use(
    await openGuarded({
      servers: { peer: PEER },
      auth: {
        dpopNonces: true,
        embedded: {
          workloads: {
            ci: {
              issuer: platform.issuer,
              rules: [{ claims: { sub: 'builder' }, views: ['peer'], scopes: ['peer:read'] }],
            },
          },
        },
      },
    }),
  )
  const pem = elliptic.privateKey.export({ type: 'pkcs8', format: 'pem' })
  writeFileSync(join(folder, 'key.pem'), pem)
  writeFileSync(
    join(folder, 'key.jwk'),
    JSON.stringify(elliptic.privateKey.export({ format: 'jwk' })),
  )
})
after(() => stack.disposeAsync())

const issuer = (): string => `http://127.0.0.1:${house.port}/oauth`
const identity = (aud = issuer(), sub = 'builder'): Promise<string> =>
  platform.mint({
    header: { typ: 'JWT' },
    claims: { aud, sub, client_id: undefined, scope: undefined },
  })
const inWorld = (env: Readonly<Record<string, string>>): World => ({
  ...systemWorld,
  env: (name) => env[name],
})
const token = (env: Readonly<Record<string, string>>, ...argv: readonly string[]): Promise<Said> =>
  countersignIn(inWorld(env), folder, 'token', '--resource', house.audience('peer'), ...argv)

async function withFile(text: string, ...argv: readonly string[]): Promise<Said> {
  writeFileSync(join(folder, 'identity'), text)
  return token({}, ...argv, 'identity')
}

describe('countersign token', () => {
  it('prints a token and nothing else, found from the URL of the view alone', async () => {
    const { code, out, err } = await withFile(`${await identity()}\n`, '--assertion-file')
    assert.equal(code, 0, err)
    assert.equal(err, '')
    assert.equal(out.trim().split('.').length, 3)
    assert.equal(decodeJwt(out.trim()).sub, 'workload:ci:builder')
    assert.equal((await send(house, calling('echo', bearer(out.trim())))).status, 200)
  })

  it('takes an SVID as SPIRE prints it, and says more as JSON', async () => {
    const svid = await identity()
    const printed = JSON.stringify([{ svids: [{ spiffe_id: 'x', svid }] }, { bundles: {} }])
    const { code, out, err } = await withFile(
      printed,
      '--json',
      '--scope',
      'mcp:discover',
      '--spiffe-file',
    )
    assert.equal(code, 0, err)
    const said = JSON.parse(out)
    assert.equal(said.scope, 'mcp:discover')
    assert.equal(said.token_type, 'Bearer')
    assert.equal(said.issuer, issuer())
  })

  it('asks GitHub for an identity that is good here alone', async () => {
    const asked: string[] = []
    const github = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://x')
      asked.push(`${request.headers.authorization} ${url.searchParams.get('audience')}`)
      void identity(url.searchParams.get('audience') ?? '').then((value) =>
        response.end(JSON.stringify({ value })),
      )
    })
    await new Promise<void>((resolve) => github.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = github.address() as AddressInfo
      const env = {
        ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'job',
      }
      const { code, out, err } = await token(env, '--github')
      assert.equal(code, 0, err)
      assert.deepEqual(asked, [`Bearer job ${issuer()}`])
      assert.equal(decodeJwt(out.trim()).aud, house.audience('peer'))
    } finally {
      github.closeAllConnections()
      github.close()
    }
  })

  // AS28, WI10
  it('proves a client by its secret or by its key', async () => {
    const may = { views: ['peer'], scopes: ['peer:read'] }
    const { admin } = house.house
    const { client, secret = '' } = await admin.addClient({
      name: 'Robot',
      method: 'client_secret_basic',
      ...may,
    })
    const bySecret = ['--client-id', client.id, '--client-secret-env', 'ROBOT']
    const said = await token({ ROBOT: secret }, ...bySecret, '--scope', 'peer:read')
    assert.equal(said.code, 0, said.err)
    assert.equal((await send(house, calling('echo', bearer(said.out.trim())))).status, 200)
    const wrong = await token({ ROBOT: 'wrong' }, ...bySecret)
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /invalid_client.*Check the id of the client/s)
    assert.doesNotMatch(wrong.err, /wrong/)

    const { x, y } = await exportJWK(elliptic.publicKey)
    const jwk = { kty: 'EC', crv: 'P-256', x, y, alg: 'ES256', use: 'sig' } as const
    const keyed = await admin.addClient({
      name: 'Agent',
      method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      ...may,
    })
    for (const file of ['key.pem', 'key.jwk']) {
      const byKey = ['--client-id', keyed.client.id, '--key', file, '--scope', 'peer:read']
      const { code, out, err } = await token({}, ...byKey)
      assert.equal(code, 0, err)
      assert.equal(decodeJwt(out.trim()).sub, keyed.client.id)
    }
  })

  it('binds the token to a key, and repeats the nonce that it is asked for', async () => {
    const { code, out, err } = await withFile(
      await identity(),
      '--dpop-key',
      'key.pem',
      '--assertion-file',
    )
    assert.equal(code, 0, err)
    const jkt = await calculateJwkThumbprint(await exportJWK(elliptic.publicKey))
    assert.deepEqual(decodeJwt(out.trim())['cnf'], { jkt })
  })

  it('says what to do when it gets none, and shows nothing that is secret', async () => {
    const used = await identity()
    await withFile(used, '--assertion-file')
    const cases: readonly [() => Promise<Said>, RegExp][] = [
      [() => withFile(used, '--assertion-file'), /invalid_grant: It was used before.*ledger/s],
      [() => withFile('no jwt', '--assertion-file'), /there is no JWT in identity/],
      [() => token({}, '--assertion-file', 'gone'), /gone cannot be read/],
      [() => token({}, '--kubernetes'), /Mount a projected token/],
      [() => token({}, '--github'), /permissions: \{ id-token: write \}/],
      [() => token({}), /by one of --github/],
      [() => token({}, '--github', '--kubernetes'), /by one of --github/],
      [() => token({}, '--client-id', 'x'), /--client-secret-env and --key/],
      [() => token({}, '--client-id', 'x', '--client-secret-env', 'GONE'), /GONE is not set/],
      [() => token({}, '--client-id', 'x', '--key', 'identity'), /no private key/],
    ]
    for (const [running, why] of cases) {
      const { code, out, err } = await running()
      assert.equal(code, 2, out)
      assert.match(err, why)
      assert.equal(out, '')
      assert.doesNotMatch(err, /eyJ/)
    }
  })

  it('goes nowhere but to the issuer that the very resource names', async () => {
    writeFileSync(join(folder, 'identity'), await identity())
    const at = (resource: string, ...more: readonly string[]) =>
      countersignIn(
        systemWorld,
        folder,
        'token',
        '--resource',
        resource,
        '--assertion-file',
        'identity',
        ...more,
      )
    const elsewhere = `http://127.0.0.1:${house.port}/mcp/nothing`
    assert.match((await at(elsewhere)).err, /does not say who gives tokens/)
    assert.match((await at(`${house.audience('peer')}/`)).err, /does not say who gives tokens/)
    const pinned = await at(house.audience('peer'), '--issuer', 'https://evil.example')
    assert.match(pinned.err, /takes no tokens of https:\/\/evil\.example/)
    assert.match((await at('http://mcp.example/mcp')).err, /is not https/)
    assert.match((await at('nonsense')).err, /--resource is no URL/)
  })
})
