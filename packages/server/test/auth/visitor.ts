// An official client that finds its own way in, and somebody in front of it who agrees or does not.

import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type DpopSession,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
} from '@modelcontextprotocol/client'
import { UnauthorizedError as OldUnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const ROUNDS_MAX = 4
export const CALLBACK = 'http://127.0.0.1:3000/cb'

/** Opens a URL as a person does; resolves with where the browser was sent in the end. */
export type Browse = (url: URL) => Promise<URL>

export interface Visiting {
  readonly browse: Browse
  /** How the client is known there; by itself it registers, or says where it describes itself. */
  readonly client?: OAuthClientInformationMixed
  readonly metadataUrl?: string
  readonly session?: DpopSession
}

export interface Visitor {
  readonly provider: OAuthClientProvider
  /** What came back from the authorization endpoint. */
  readonly callback: () => URLSearchParams
  readonly tokens: () => OAuthTokens | undefined
  /** The scopes that each visit to the authorization endpoint asked for, oldest first. */
  readonly asked: readonly string[]
}

export function makeVisitor({ browse, client, metadataUrl, session }: Visiting): Visitor {
  let known = client
  let tokens: OAuthTokens | undefined
  let found: OAuthDiscoveryState | undefined
  let verifier = ''
  let callback = new URLSearchParams()
  const asked: string[] = []
  const provider: OAuthClientProvider = {
    redirectUrl: CALLBACK,
    ...(metadataUrl === undefined ? {} : { clientMetadataUrl: metadataUrl }),
    clientMetadata: { client_name: 'story', redirect_uris: [CALLBACK] },
    clientInformation: () => known,
    saveClientInformation: (information) => {
      known = information
    },
    tokens: () => tokens,
    // What was found out holds until there are tokens: an issuer may have changed by the next time.
    saveTokens: (saved) => {
      tokens = saved
      found = undefined
    },
    saveDiscoveryState: (state) => {
      found = state
    },
    discoveryState: () => found,
    saveCodeVerifier: (saved) => {
      verifier = saved
    },
    codeVerifier: () => verifier,
    redirectToAuthorization: async (url) => {
      asked.push(url.searchParams.get('scope') ?? '')
      callback = (await browse(url)).searchParams
    },
    ...(session ? { dpop: () => session } : {}),
  }
  return { provider, callback: () => callback, tokens: () => tokens, asked }
}

export interface Inside {
  readonly client: Client
  readonly transport: StreamableHTTPClientTransport
}

export async function comeIn(visitor: Visitor, mode: 'legacy' | 'auto', at: URL): Promise<Inside> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const client = new Client({ name: 'story', version: '1' }, { versionNegotiation: { mode } })
    const transport = new StreamableHTTPClientTransport(at, { authProvider: visitor.provider })
    try {
      await client.connect(transport)
      return { client, transport }
    } catch (thrown) {
      if (!(thrown instanceof UnauthorizedError)) throw thrown
      await transport.finishAuth(visitor.callback())
    }
  }
  throw new Error('it was never let in')
}

/** Calls a tool, agreeing to what is asked for on the way. */
export async function callAsking(visitor: Visitor, inside: Inside, name: string): Promise<string> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    try {
      const { content } = await inside.client.callTool({ name, arguments: {} })
      return JSON.stringify(content)
    } catch (thrown) {
      if (!(thrown instanceof UnauthorizedError)) throw thrown
      await inside.transport.finishAuth(visitor.callback())
    }
  }
  throw new Error('it was never let through')
}

export interface OldInside {
  /** What the tool answered; undefined when somebody was asked for more instead. */
  readonly call: (name: string) => Promise<unknown>
  readonly close: () => Promise<void>
}

/** The same with SDK v1, which throws where it asks, and is called again by whoever wants to go on. */
export async function comeInOld({ provider, callback }: Visitor, at: URL): Promise<OldInside> {
  const agreeing = async <Value>(transport: OldHttp, act: () => Promise<Value>) => {
    try {
      return await act()
    } catch (thrown) {
      if (!(thrown instanceof OldUnauthorizedError)) throw thrown
      await transport.finishAuth(callback().get('code') ?? '')
      return undefined
    }
  }
  const first = new OldHttp(at, { authProvider: provider })
  await agreeing(first, () => new OldClient({ name: 'old', version: '1' }).connect(first))
  const client = new OldClient({ name: 'old', version: '1' })
  const transport = new OldHttp(at, { authProvider: provider })
  await client.connect(transport)
  return {
    call: (name) => agreeing(transport, () => client.callTool({ name, arguments: {} })),
    close: () => client.close(),
  }
}
