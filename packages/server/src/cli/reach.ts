import {
  connect,
  Fault,
  META,
  own,
  shapeOf,
  type Admin,
  type JsonObject,
  type RpcResponse,
} from '@countersign/contract'
import { localAuthenticator } from '#auth'
import type { Config } from '#config'
import { makeLog } from '#telemetry'
import { openHouse } from '../server.ts'
import type { Io } from './io.ts'
import { findRunning, type Running } from './running.ts'
import { VERSION } from './version.ts'

/** The gateway, reached from a command: the one that is running, or one opened for this command. */
export interface Reach extends AsyncDisposable {
  readonly admin: Admin
  /** One request of 2026-07-28 to the view with all servers. */
  readonly request: (method: string, params: JsonObject) => Promise<RpcResponse>
}

const REVISION = '2026-07-28'
const CLIENT = { name: 'countersign-cli', version: VERSION }

export async function reach(config: Config, io: Io): Promise<Reach> {
  const running = await findRunning(config)
  return running ? reachRunning(running) : reachInside(config, io)
}

const withEnvelope = (params: JsonObject): JsonObject => ({
  ...params,
  _meta: {
    [META.protocolVersion]: REVISION,
    [META.clientCapabilities]: {},
    [META.clientInfo]: CLIENT,
  },
})

function reachRunning({ url, token }: Running): Reach {
  return {
    admin: connect(url, () => token.reveal()),
    request: async (method, params) => {
      const named = own(params, 'name')
      const response = await fetch(new URL('/mcp', url), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'mcp-protocol-version': REVISION,
          'mcp-method': method,
          ...(typeof named === 'string' ? { 'mcp-name': named } : {}),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: withEnvelope(params) }),
      })
      const shape = shapeOf(await response.json())
      if (shape.kind === 'response') return shape.message
      throw new Fault('upstream/broken', 'The running Countersign gave no JSON-RPC answer.')
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

async function reachInside(config: Config, io: Io): Promise<Reach> {
  const house = await openHouse(config, {
    world: io.world,
    log: makeLog('error'),
    startsServers: false,
  })
  const view = house.gateway.view('')
  if (!view) throw new Error('the view with all servers is missing')
  return {
    admin: house.admin,
    request: async (method, params) => {
      const { response } = await house.gateway.modern({
        who: localAuthenticator(undefined),
        view,
        request: { jsonrpc: '2.0', id: 1, method, params: withEnvelope(params) },
        envelope: {
          revision: REVISION,
          capabilities: {},
          clientInfo: CLIENT,
          logLevel: undefined,
          progressToken: undefined,
        },
        headers: undefined,
        channel: { send: () => undefined },
        signal: new AbortController().signal,
      })
      return response
    },
    [Symbol.asyncDispose]: () => house[Symbol.asyncDispose](),
  }
}
