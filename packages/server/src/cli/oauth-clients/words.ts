import type { Admin } from '@countersign/contract'
import { table } from '../io.ts'

export type OauthClient = Awaited<ReturnType<Admin['listClients']>>[number]

const METHODS: Readonly<Record<string, string>> = {
  none: 'public',
  client_secret_basic: 'secret',
  client_secret_post: 'secret',
  private_key_jwt: 'keys',
}

export const rows = (clients: readonly OauthClient[]): string =>
  table([
    ['NAME', 'PROVES', 'FOR', 'SCOPES OF ITS OWN', 'ID'],
    ...clients.map((client) => [
      client.name,
      METHODS[client.method] ?? client.method,
      client.redirectUris.length > 0 ? 'people' : 'itself',
      client.scopes.join(' '),
      client.id,
    ]),
  ])
