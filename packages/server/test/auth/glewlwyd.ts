// Glewlwyd, an authorization server that shares nothing with us: started for a test, and set up
// through its own admin API.

import { spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { CALLBACK, type Browse } from './visitor.ts'

const TABLES = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3'

/** Why it cannot be started here; false when it can. */
export const whyNoGlewlwyd: string | false =
  spawnSync('glewlwyd', ['--version']).error || !existsSync(TABLES)
    ? 'glewlwyd is not installed (Debian: apt-get install glewlwyd)'
    : false

export interface Glewlwyd extends AsyncDisposable {
  readonly issuer: string
  /** A person who is signed in there and agrees to whatever is asked for. */
  readonly agree: Browse
}

export interface GlewlwydPlan {
  readonly resource: string
  readonly scopes: readonly string[]
  readonly client: string
}

export async function startGlewlwyd(plan: GlewlwydPlan): Promise<Glewlwyd> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-glewlwyd-'))
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const database = new DatabaseSync(join(folder, 'db'))
  database.exec(readFileSync(TABLES, 'utf8'))
  database.close()
  writeFileSync(join(folder, 'conf'), settings(folder, port, origin))
  const server = spawn('glewlwyd', [`--config-file=${join(folder, 'conf')}`], {
    // What it says of its own settings is no news of a test.
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const stop = async (): Promise<void> => {
    const gone = new Promise((resolve) => server.once('exit', resolve))
    if (server.exitCode === null && server.kill('SIGKILL')) await gone
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await started(server.stdout)
    const admin = await signedIn(origin, 'admin', 'password')
    await setUp(admin, `${origin}/api/oidc`, plan)
    const ada = await signedIn(origin, 'ada', PASSWORD)
    return { issuer: `${origin}/api/oidc`, agree: agreeing(ada), [Symbol.asyncDispose]: stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

const PASSWORD = 'correct horse'

/** Its address is part of what it is told before it starts. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

const settings = (folder: string, port: number, origin: string): string => `
port = ${port}
bind_address = "127.0.0.1"
external_url = "${origin}"
login_url = "login.html"
api_prefix = "api"
static_files_path = "${folder}"
log_mode = "console"
log_level = "INFO"
cookie_domain = "127.0.0.1"
cookie_secure = 0
session_key = "GLEWLWYD2_SESSION_ID"
admin_scope = "g_admin"
profile_scope = "g_profile"
user_module_path = "/usr/lib/glewlwyd/user"
client_module_path = "/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "/usr/lib/glewlwyd/scheme"
plugin_module_path = "/usr/lib/glewlwyd/plugin"
hash_algorithm = "SHA512"
database = { type = "sqlite3"; path = "${join(folder, 'db')}"; };
`

async function started(log: NodeJS.ReadableStream): Promise<void> {
  const lines = createInterface({ input: log })
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.includes('Glewlwyd started')) resolve()
    })
    lines.once('close', () => reject(new Error('glewlwyd ended before it listened')))
  })
}

type Api = (method: string, path: string, body?: unknown) => Promise<Response>

async function signedIn(origin: string, username: string, password: string): Promise<Api> {
  let cookie = ''
  const api: Api = async (method, path, body) => {
    const answer = await fetch(`${origin}/api${path}`, {
      method,
      headers: { 'content-type': 'application/json', cookie },
      redirect: 'manual',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (answer.status >= 400) {
      throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    }
    cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie
    return answer
  }
  await api('POST', '/auth/', { username, password })
  return api
}

async function setUp(admin: Api, issuer: string, plan: GlewlwydPlan): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await admin('POST', '/mod/plugin/', {
    module: 'oidc',
    name: 'oidc',
    display_name: 'oidc',
    enabled: true,
    parameters: {
      iss: issuer,
      'jwt-type': 'ecdsa',
      'jwt-key-size': '256',
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      cert: publicKey.export({ type: 'spki', format: 'pem' }),
      'access-token-duration': 300,
      'refresh-token-duration': 3_600,
      'code-duration': 60,
      'refresh-token-rolling': true,
      'allow-non-oidc': true,
      'auth-type-code-enabled': true,
      'auth-type-token-enabled': false,
      'auth-type-id-token-enabled': true,
      'auth-type-none-enabled': false,
      'auth-type-password-enabled': false,
      'auth-type-client-enabled': false,
      'auth-type-device-enabled': false,
      'auth-type-refresh-enabled': true,
      'pkce-allowed': true,
      'pkce-required': true,
      'pkce-method-plain-allowed': false,
      'resource-allowed': true,
      'resource-scope': Object.fromEntries(plan.scopes.map((scope) => [scope, [plan.resource]])),
      'resource-client-property': '',
      'resource-scope-and-client-property': false,
      'oauth-dpop-allowed': true,
      'oauth-dpop-iat-duration': 300,
      'jwks-show': true,
      'subject-type': 'public',
      'oauth-as-iss-id': true,
    },
  })
  for (const name of plan.scopes) {
    const scope = { name, display_name: name, password_required: true, password_max_age: 0 }
    await admin('POST', '/scope/', { ...scope, scheme: {} })
  }
  const scope = [...plan.scopes, 'g_profile']
  await admin('POST', '/user/', { username: 'ada', password: PASSWORD, scope, enabled: true })
  await admin('POST', '/client/', {
    client_id: plan.client,
    name: 'Story',
    confidential: false,
    enabled: true,
    scope: [],
    redirect_uri: [CALLBACK],
    authorization_type: ['code', 'refresh_token'],
    token_endpoint_auth_method: ['none'],
  })
}

/** What its pages would do when somebody clicks "continue". */
const agreeing =
  (ada: Api): Browse =>
  async (url) => {
    const scope = url.searchParams.get('scope') ?? ''
    await ada('PUT', `/auth/grant/${url.searchParams.get('client_id') ?? ''}/`, { scope })
    const answer = await ada('GET', `/oidc/auth${url.search}&g_continue`)
    return new URL(answer.headers.get('location') ?? '')
  }
