// Hosts on which clients describe themselves, over TLS, on this machine.

import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Resolve } from '../../src/auth/safe-fetch.ts'
import { CALLBACK } from './as-house.ts'
import { ownCertificate } from './own-certificate.ts'

type Loose = Readonly<Record<string, unknown>>

export interface Documents extends AsyncDisposable {
  /** The URL of a path of a host. */
  readonly url: (path: string, host?: string) => string
  /** What stands there: an object as JSON, a text as it is. */
  readonly put: (path: string, document: Loose | string, answer?: Partial<Answered>) => void
  /** A description of a client as it should be, with what is said here in place of it. */
  readonly client: (path: string, over?: Loose) => string
  /** Every path that was asked for, oldest first. */
  readonly asked: string[]
  /** Connections that were made, whatever came over them. */
  readonly connections: () => number
  readonly resolve: Resolve
}

interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

const HOSTS = ['clients.example', 'other.example', 'deep.clients.example']
/** Names that lead where nobody should be led. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'inside.example': '10.0.0.5',
  'cloud.example': '169.254.169.254',
}

export async function startDocuments(): Promise<Documents> {
  const held = new Map<string, { text: string } & Answered>()
  const asked: string[] = []
  let connections = 0
  const own = ownCertificate(...HOSTS)
  setDefaultCACertificates([...getCACertificates('default'), own.cert])
  const server = createServer(own, (request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const found = held.get(path)
    response.writeHead(found?.status ?? 404, {
      'content-type': 'application/json',
      ...found?.headers,
    })
    response.end(found?.text ?? '{}')
  })
  server.on('connection', () => {
    connections++
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = (path: string, host = 'clients.example'): string =>
    `https://${host}:${String(port)}${path}`
  const put: Documents['put'] = (path, document, answer = {}) => {
    const text = typeof document === 'string' ? document : JSON.stringify(document)
    held.set(path, { status: 200, headers: {}, ...answer, text })
  }
  return {
    url,
    put,
    asked,
    connections: () => connections,
    client: (path, over = {}) => {
      put(path, {
        client_id: url(path),
        client_name: 'Described',
        redirect_uris: [CALLBACK],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        ...over,
      })
      return url(path)
    },
    resolve: (host, _options, done) => {
      done(null, [{ address: ELSEWHERE[host] ?? '127.0.0.1', family: 4 }])
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
