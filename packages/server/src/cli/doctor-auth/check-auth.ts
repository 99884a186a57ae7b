import { connect, toFault } from '@countersign/contract'
import { discover, makeSafeFetch, Unfetched, type AuthSettings, type IssuerSettings } from '#auth'
import type { Config } from '#config'
import type { Finding } from '../doctor.ts'
import type { Io } from '../io.ts'
import { findRunning, type Running } from '../running.ts'
import { asAStranger } from './as-a-stranger.ts'
import { checkIssuer, remedyFor, type IssuerRooms } from './check-issuer.ts'
import { checkToken } from './check-token.ts'
import { about } from './finding.ts'

/** Who can come in, and where it fails for those who cannot; `tokenEnv` names a token to look at. */
export async function checkAuth(
  config: Config,
  { world }: Io,
  tokenEnv: string | undefined,
): Promise<readonly Finding[]> {
  const { auth } = config
  if (!auth) return [localMode(config)]
  const safeFetch = makeSafeFetch(world)
  const rooms = { world, safeFetch, skewMs: auth.skewMs }
  const running = await findRunning(config)
  const origin = originOf(config, running)
  try {
    const others = await Promise.all(auth.issuers.map((one) => checkIssuer(rooms, one)))
    return [
      ...(await asAStranger(origin, running !== undefined)),
      ...others.flat(),
      ...(await embedded(rooms, auth, origin, running)),
      ...(auth.signIn ? [await signIn(rooms, auth.signIn)] : []),
      ...(tokenEnv === undefined ? [] : await tokenIn(tokenEnv, rooms, config, origin)),
    ]
  } finally {
    await safeFetch.close()
  }
}

function originOf({ listen }: Config, running: Running | undefined): string {
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return listen.publicUrl ?? running?.url.origin ?? `http://${host}:${String(listen.port)}`
}

const localMode = ({ listen }: Config): Finding =>
  about('auth').pass(
    `local mode: whoever can reach ${listen.host}:${String(listen.port)} is the principal "local", and nobody else can`,
  )

/** Ours, as everybody else sees it. */
function embeddedIssuer({ embedded: ours }: AuthSettings, origin: string): IssuerSettings[] {
  if (!ours) return []
  const isLocal = /^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::|$)/.test(origin)
  return [
    {
      issuer: `${origin}/oauth`,
      algorithms: ['ES256'],
      tokenType: 'at+jwt',
      scopesClaim: 'scope',
      clientClaim: 'client_id',
      dpop: ours.dpop,
      stepUp: 'tool',
      reach: isLocal ? 'loopback' : 'private',
    },
  ]
}

async function embedded(
  rooms: IssuerRooms,
  auth: AuthSettings,
  origin: string,
  running: Running | undefined,
): Promise<readonly Finding[]> {
  const [settings] = embeddedIssuer(auth, origin)
  if (!settings) return []
  if (!running) {
    const what = 'no gateway runs that could be asked'
    return [about('embedded').warn(what, 'countersign serve, then once more')]
  }
  return [await accountsOf(running), ...(await checkIssuer(rooms, settings))]
}

/** The provider through which people sign in: only that it is there, and is the one. */
async function signIn(
  { safeFetch }: IssuerRooms,
  { issuer, reach }: NonNullable<AuthSettings['signIn']>,
): Promise<Finding> {
  const at = about(`sign-in ${issuer}`)
  try {
    await discover(safeFetch, { issuer, reach })
    return at.pass('its metadata is there, and speaks of it')
  } catch (thrown) {
    if (!(thrown instanceof Unfetched)) throw thrown
    return at.fail(thrown.message, remedyFor(thrown.message, { issuer, reach }))
  }
}

async function accountsOf({ url, token }: Running): Promise<Finding> {
  const at = about('embedded')
  const admin = connect(url, () => token.reveal())
  try {
    const [users, clients] = await Promise.all([admin.listUsers({}), admin.listClients({})])
    const said = `${counted(users, 'account')}, ${counted(clients, 'registered client')}`
    return users.length === 0
      ? at.warn(`${said}: nobody can sign in`, 'countersign users add NAME, and open the link')
      : at.pass(said)
  } catch (thrown) {
    return at.fail(toFault(thrown).message, 'look at the log of the running gateway')
  }
}

const counted = (all: readonly unknown[], what: string): string =>
  `${String(all.length)} ${what}${all.length === 1 ? '' : 's'}`

async function tokenIn(
  name: string,
  rooms: IssuerRooms,
  config: Config,
  origin: string,
): Promise<readonly Finding[]> {
  const token = rooms.world.env(name)?.trim() ?? ''
  if (token === '') {
    return [about('token').fail(`$${name} is empty`, `export ${name}=…, then once more`)]
  }
  const { auth } = config
  const servers = config.servers.map(({ id }) => id)
  const views = [...servers, ...config.views.map((view) => view.name)]
  const resources = [`${origin}/mcp`, ...views.map((view) => `${origin}/mcp/${view}`)]
  const issuers = auth ? [...auth.issuers, ...embeddedIssuer(auth, origin)] : []
  return checkToken({ ...rooms, issuers, resources, servers }, token)
}
