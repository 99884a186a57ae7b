import { join } from 'node:path'
import { Fault } from '@countersign/contract'
import type { PageDesk, SignIns } from '#auth'
import type { Ledger } from '#audit'
import { hasKeyFile, type World } from '#base'
import type { Config } from '#config'
import { CONNECT_PATH, connectPages, NO_PAGES, type ConnectPages } from '#gateway'
import { connectMount, type Mount } from '#http'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import {
  connectionDesk,
  hasCredentials,
  makeVault,
  openMaster,
  ownClientAt,
  type Connected,
  type ConnectionDesk,
  type Identities,
  type OpenVault,
  type VaultSettings,
} from '#vault'

export interface VaultPlan {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly ledger: Ledger
  /** Default: the ID tokens of those who signed in through a provider. */
  readonly identities?: Identities | undefined
}

/** The vault of a house whose servers ask for credentials, and where people fill it. */
export interface Connections {
  /** Undefined where no server asks for one. */
  readonly vault: OpenVault | undefined
  /** What an administrator does about it. */
  readonly desk: ConnectionDesk
  /** Where callers are sent. */
  readonly pages: ConnectPages
  readonly mounts: (people: People) => readonly Mount[]
  /** Under this origin from now on. */
  readonly openAt: (origin: string) => void
  readonly onConnected: (hear: (connected: Connected) => void) => void
  readonly close: () => Promise<void>
}

interface People {
  readonly pages: () => PageDesk
  readonly signIns: () => SignIns
}

const NONE: Connections = {
  vault: undefined,
  desk: connectionDesk(undefined, () => undefined),
  pages: NO_PAGES,
  mounts: () => [],
  openAt: () => undefined,
  onConnected: () => undefined,
  close: async () => undefined,
}

/** A path that is mistyped would make a new key, and every credential would be lost to it. */
async function checkKey(records: Records, { key, previous }: VaultSettings): Promise<void> {
  if (!('file' in key) || previous.length > 0 || hasKeyFile(key.file)) return
  if (!(await hasCredentials(records))) return
  throw new Fault(
    'store/unavailable',
    `${key.file} is not there, and there are credentials sealed with the key that was in it. Restore it, or name that key under vault.previous.`,
  )
}

export async function openVault(config: Config, plan: VaultPlan): Promise<Connections> {
  const { world, log, records, ledger } = plan
  const servers = new Map(
    config.servers.flatMap(({ id, transport, auth }) =>
      auth && transport.kind !== 'stdio' ? [[id, { url: transport.url, auth }] as const] : [],
    ),
  )
  if (servers.size === 0) return NONE
  const { key = { file: join(config.data, 'keys', 'vault.key') }, previous = [] } =
    config.vault ?? {}
  await checkKey(records, { key, previous })
  const master = await openMaster(world, { key, previous })
  let origin = config.listen.publicUrl
  // Before we listen nobody can come back to us; what needs no person does not ask.
  const { clientDocument } = config.vault ?? {}
  const own = () => ({
    ...ownClientAt(origin ?? `http://${config.listen.host}:${config.listen.port}`),
    ...(clientDocument === undefined
      ? {}
      : { documentUrl: undefined, publicDocumentUrl: clientDocument }),
  })
  const given = plan.identities ? { identities: plan.identities } : {}
  const vault = makeVault({ world, log, records, ledger, master, own, ...given }, servers)
  const { connecting } = vault
  const addressOf = (id: string): string | undefined => servers.get(id)?.url
  return {
    vault,
    desk: connectionDesk(vault, (id) =>
      origin === undefined ? undefined : `${origin}${CONNECT_PATH}${encodeURIComponent(id)}`,
    ),
    pages: connectPages(world, connecting, {
      origin: () => origin,
      asksPeople: (id) => servers.get(id)?.auth.grant === 'authorization_code',
    }),
    mounts: ({ pages, signIns }) => {
      const keys = vault.ownKey.published
      return [connectMount({ log, connecting, pages, signIns, addressOf, keys })]
    },
    openAt: (at) => {
      origin ??= at
    },
    onConnected: (hear) => {
      connecting.onConnected(hear)
    },
    close: vault.close,
  }
}
