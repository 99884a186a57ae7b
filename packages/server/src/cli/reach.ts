import type { Duplex } from 'node:stream'
import {
  connect,
  Fault,
  META,
  shapeOf,
  TASKS_EXTENSION,
  type Admin,
  type ClientCapabilities,
  type JsonObject,
  type RpcNotification,
  type RpcResponse,
} from '@countersign/contract'
import { localAuthenticator } from '#auth'
import type { Config } from '#config'
import { makeLog } from '#telemetry'
import { openHouse } from '../server.ts'
import type { Io } from './io.ts'
import { openRelay } from './relay.ts'
import { findRunning, type Running } from './running.ts'
import { VERSION } from './version.ts'

/** The gateway, reached from a command: the one that is running, or one opened for this command. */
export interface Reach extends AsyncDisposable {
  readonly admin: Admin
  /** False when nothing goes on once this command is over. */
  readonly isRunning: boolean
  /** Whether tasks are carried out, here or there. */
  readonly isWorking: boolean
  /** One request of 2026-07-28 to the view with all servers. */
  readonly request: (method: string, params: JsonObject, asking?: Asking) => Promise<RpcResponse>
}

/** How a request is made. */
interface Asking {
  /** It may be answered with a task, which is then followed. */
  readonly followsTasks?: boolean
  readonly onProgress?: (params: JsonObject) => void
}

const REVISION = '2026-07-28'
const CLIENT = { name: 'countersign-cli', version: VERSION }
/** One request at a time: any token will do. */
const PROGRESS = 'progress'

export async function reach(config: Config, io: Io): Promise<Reach> {
  const running = await findRunning(config)
  return running ? reachRunning(running) : reachInside(config, io)
}

/** The same for a command whose call may take long: then tasks have to go on while it waits. */
export async function reachToCall(config: Config, io: Io): Promise<Reach> {
  const running = await findRunning(config)
  if (running) return reachRunning(running)
  const inside = await reachInside(config, io)
  try {
    const { tasks } = await inside.admin.listTasks({ states: 'working,waiting', limit: 1 })
    if (tasks.length > 0) throw wouldCutOff()
    await inside.start()
    return { ...inside, isWorking: true }
  } catch (thrown) {
    await inside[Symbol.asyncDispose]()
    throw thrown
  }
}

const wouldCutOff = (): Fault =>
  new Fault(
    'store/unavailable',
    'no gateway is running, and tasks wait for one: this command would take them up and cut them off at its end. Run "countersign serve", then call again.',
  )

/** The running Countersign, or undefined. Nothing is opened: whoever wants to start one can. */
export async function reachOnlyRunning(config: Config): Promise<Reach | undefined> {
  const running = await findRunning(config)
  return running ? reachRunning(running) : undefined
}

const capabilitiesOf = ({ followsTasks = false }: Asking): ClientCapabilities =>
  followsTasks ? { extensions: { [TASKS_EXTENSION]: {} } } : {}

const withEnvelope = (params: JsonObject, asking: Asking): JsonObject => ({
  ...params,
  _meta: {
    [META.protocolVersion]: REVISION,
    [META.clientCapabilities]: { ...capabilitiesOf(asking) },
    [META.clientInfo]: CLIENT,
    ...(asking.onProgress ? { progressToken: PROGRESS } : {}),
  },
})

function reachRunning(running: Running): Reach {
  const { url, token } = running
  return {
    admin: connect(url, () => token.reveal()),
    isRunning: true,
    isWorking: true,
    // Not over /mcp: what a stranger has to show there, whoever holds this folder has not.
    request: async (method, params, asking = {}) => {
      const asked = { jsonrpc: '2.0', id: 1, method, params: withEnvelope(params, asking) }
      try {
        const socket = await openRelay(running, '')
        try {
          socket.write(`${JSON.stringify(asked)}\n`)
          for await (const line of linesOf(socket)) {
            const shape = shapeOf(JSON.parse(line))
            if (shape.kind === 'response') return shape.message
            if (shape.kind === 'notification') hear(shape.message, asking)
          }
        } finally {
          socket.destroy()
        }
      } catch (cause) {
        throw new Fault('upstream/unavailable', GONE, { cause })
      }
      throw new Fault('upstream/unavailable', GONE)
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

/** S-001: a line ends at a line feed and nowhere else. */
async function* linesOf(socket: Duplex): AsyncGenerator<string> {
  let rest = ''
  for await (const text of socket.setEncoding('utf8')) {
    const lines = `${rest}${String(text)}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

const GONE = 'The running Countersign stopped before it answered.'

const hear = ({ method, params }: RpcNotification, { onProgress }: Asking): void => {
  if (method === 'notifications/progress' && params) onProgress?.(params)
}

interface Inside extends Reach {
  /** From here on tasks are carried out, as in a gateway that runs. */
  readonly start: () => Promise<void>
}

async function reachInside(config: Config, io: Io): Promise<Inside> {
  const house = await openHouse(config, {
    world: io.world,
    log: makeLog('error'),
    startsServers: false,
  })
  const view = house.gateway.view('')
  if (!view) throw new Error('the view with all servers is missing')
  return {
    admin: house.admin,
    isRunning: false,
    isWorking: false,
    start: () => house.gateway.desk.start(),
    request: async (method, params, asking = {}) => {
      const { response } = await house.gateway.modern({
        who: localAuthenticator(undefined),
        view,
        request: { jsonrpc: '2.0', id: 1, method, params: withEnvelope(params, asking) },
        envelope: {
          revision: REVISION,
          capabilities: capabilitiesOf(asking),
          clientInfo: CLIENT,
          logLevel: undefined,
          progressToken: asking.onProgress ? PROGRESS : undefined,
        },
        headers: undefined,
        channel: {
          send: (message) => {
            if (!('id' in message)) hear(message, asking)
          },
        },
        signal: new AbortController().signal,
      })
      return response
    },
    [Symbol.asyncDispose]: () => house[Symbol.asyncDispose](),
  }
}
