import { Fault } from '@countersign/contract'
import type { CredentialLine } from './cabinet.ts'
import { LOCAL_ID } from './connect.ts'
import type { OpenVault } from './make-vault.ts'

/** What an administrator does about connections. Without a principal it is about the house's own. */
export interface ConnectionDesk {
  readonly list: () => Promise<readonly CredentialLine[]>
  /** Where a browser goes to connect it. */
  readonly begin: (server: string, principal: string | undefined) => Promise<string>
  /** Whether its issuer ended it too. */
  readonly remove: (server: string, principal: string | undefined) => Promise<boolean>
  readonly rekey: () => Promise<number>
}

/** `pageAt`: the address of a page; undefined while nothing listens. */
export function connectionDesk(
  vault: OpenVault | undefined,
  pageAt: (id: string) => string | undefined,
): ConnectionDesk {
  const there = (): OpenVault => {
    if (vault) return vault
    throw new Fault('connection/unknown', 'No server of this house asks for a connection.')
  }
  return {
    list: async () => (vault ? vault.connections() : []),
    begin: async (server, principal) => {
      const { connecting } = there()
      if (pageAt('') === undefined) {
        throw new Fault('connection/unknown', 'Nothing listens: start it with countersign serve.')
      }
      const { id } = await connecting.beginFor(server, principal)
      return pageAt(id) ?? ''
    },
    remove: async (server, principal) => {
      // Without accounts, the connections of whoever is at this machine are the house's own as well.
      const ended =
        (await there().disconnect(server, principal ?? '')) ??
        (principal === undefined ? await there().disconnect(server, LOCAL_ID) : undefined)
      if (ended !== undefined) return ended === 'revoked'
      const whose = principal === undefined ? 'of the house' : `of ${principal}`
      throw new Fault('connection/unknown', `There is no connection ${whose} to "${server}".`)
    },
    rekey: async () => (vault ? vault.rekey() : 0),
  }
}
