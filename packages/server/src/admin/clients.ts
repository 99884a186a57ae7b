import type { Admin } from '@countersign/contract'
import type { ClientDesk, RegisteredClient } from '#auth'

type ClientOperation = 'listClients' | 'addClient' | 'removeClient' | 'rotateKeys'

/** What is done about clients and keys of the embedded authorization server. */
export const clientOperations = (desk: ClientDesk): Pick<Admin, ClientOperation> => ({
  listClients: async () => (await desk.list()).map(lineOf),
  addClient: async ({ redirectUris = [], method = 'none', views = [], scopes = [], ...rest }) => {
    const { client, secret } = await desk.add({ ...rest, redirectUris, method, views, scopes })
    return { client: lineOf(client), ...(secret === undefined ? {} : { secret }) }
  },
  removeClient: async ({ id }) => lineOf(await desk.remove(id)),
  rotateKeys: () => desk.rotateKeys(),
})

const lineOf = ({ access, redirectUris, ...client }: RegisteredClient) => ({
  ...client,
  redirectUris: [...redirectUris],
  views: [...(access?.views ?? [])],
  scopes: [...(access?.scopes ?? [])],
})
