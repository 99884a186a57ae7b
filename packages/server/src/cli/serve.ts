import { Fault, type FaultCode } from '@countersign/contract'
import { localAuthenticator } from '#auth'
import { freeMemory } from '#base'
import { serveStdio } from '#gateway'
import { makeLog } from '#telemetry'
import { openHouse, type House, type Watcher } from '../server.ts'
import { approveCommand, banner, callLine } from './banner.ts'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_OPTION,
  textOption,
  type Command,
  type Parsed,
} from './command.ts'
import { findConfig } from './find-config.ts'
import { jsonLine, print, printJson, type Io } from './io.ts'
import { printable } from './printable.ts'
import { announce } from './running.ts'
import { acceptRelays, relayStdio } from './stdio-relay.ts'

export const serve: Command = {
  summary: 'Runs the gateway in front of the configured servers.',
  usage: 'serve [--stdio [--view NAME]] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    stdio: { type: 'boolean' },
    view: { type: 'string', short: 'v' },
    port: { type: 'string', short: 'p' },
  },
  help: `  --stdio             serve one client over standard input and output; when a Countersign of
                      this configuration is running already, that one answers
  -v, --view NAME     with --stdio: a server or view (default: all servers)
  -p, --port N        listen on this port instead of the configured one; 0 takes a free one
${CONFIG_HELP}
  --json              print one JSON line for each event: listening, first-account,
                      call, asked, change, problem, stopping`,
  run: async (parsed, io) => {
    const config = withPort(findConfig(parsed, io), textOption(parsed, 'port'))
    return flag(parsed, 'stdio')
      ? serveOverStdio(parsed, io, config)
      : serveOverHttp(parsed, io, config)
  },
}

type Config = ReturnType<typeof findConfig>

function withPort(config: Config, port: string | undefined): Config {
  if (port === undefined) return config
  const number = Number(port)
  if (!/^\d+$/.test(port) || number > 65_535) {
    throw new Fault('config/invalid', '--port must be a number from 0 to 65535.')
  }
  return { ...config, listen: { ...config.listen, port: number } }
}

async function serveOverHttp(parsed: Parsed, io: Io, config: Config): Promise<number> {
  const asJson = flag(parsed, 'json')
  const log = makeLog(config.log.level)
  const house = await openHouse(config, {
    world: io.world,
    log,
    watcher: watcher(io, config, asJson),
  })
  const stopping = stopSignal()
  let forget: (() => void) | undefined
  try {
    freeMemory()
    const door = await house.listen()
    acceptRelays(house, door)
    const url = urlOf(config, door.port)
    forget = announce(config, io.world, localUrlOf(config, door.port))
    if (asJson) {
      printJson(io, {
        event: 'listening',
        url: `${url}/mcp`,
        pid: io.world.pid,
        recovered: house.recovered,
      })
    }
    const first = await firstLink(house)
    const { recovered } = house
    if (!asJson)
      print(io, banner(config, url, { recovered, pid: io.world.pid, first: first?.link }))
    else if (first) printJson(io, { event: 'first-account', ...first })
    await stopping
    if (asJson) printJson(io, { event: 'stopping' })
    else print(io, 'Stopping: calls under way may end first.')
  } finally {
    forget?.()
    await house[Symbol.asyncDispose]()
  }
  return EXIT.ok
}

/** Nobody can sign in yet: whoever started us is given the way to be the first. */
async function firstLink({ config, people }: House) {
  // Whom a provider knows needs no account to begin with.
  return config.auth?.signIn ? undefined : people.users.firstLink()
}

const urlOf = (config: Config, port: number): string =>
  config.listen.publicUrl ?? localUrlOf(config, port)

/** Where commands on this machine find us, whatever stands in front. */
function localUrlOf({ listen }: Config, port: number): string {
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[listen.host] ?? listen.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`
}

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    // SIGHUP too: a terminal that is closed means it.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        resolve()
      })
    }
  })

/** Nobody reads what we answer any more. */
const clientGone = ({ stdout }: Io): Promise<void> =>
  new Promise((resolve) => {
    stdout.once('error', () => {
      resolve()
    })
  })

/** Many calls in a moment are written at once: a write to a terminal stops everything else. */
const GATHER_MS = 50

/** Collects lines and writes them together. */
function gather(io: Io): (line: () => string) => void {
  let lines: (() => string)[] = []
  return (line) => {
    lines.push(line)
    if (lines.length > 1) return
    io.world.after(GATHER_MS, () => {
      const due = lines
      lines = []
      print(io, due.map((one) => one()).join('\n'))
    })
  }
}

function watcher(io: Io, config: Config, asJson: boolean): Watcher {
  const say = gather(io)
  if (asJson) {
    return {
      onCall: ({ opening, closing }) => {
        say(() => jsonLine({ event: 'call', ...opening, ...closing }))
      },
      onAsked: ({ id, task, bound: { server, tool, principal } }) => {
        printJson(io, { event: 'asked', approval: id, task, server, tool, principal })
      },
      onChange: (server, changes) => {
        printJson(io, { event: 'change', server, changes })
      },
      onProblem: (server, problem) => {
        printJson(io, { event: 'problem', server, problem })
      },
    }
  }
  return {
    onCall: (ended) => {
      const at = io.world.now()
      say(() => callLine(new Date(at), ended))
    },
    onAsked: ({ id, bound: { server, tool, principal } }) => {
      const what = `${server} ${tool} by ${principal}`
      print(io, printable(`? ${what} waits for approval: ${approveCommand(config, id)}`))
    },
    onChange: (server, changes) => {
      const names = changes.map(({ kind, name }) => `${kind} ${name}`).join(', ')
      print(io, printable(`! ${server}: definitions changed: ${names}`))
    },
    onProblem: (server, problem) => {
      print(io, printable(`! ${server}: ${problem}`))
    },
  }
}

/** Standard output belongs to the protocol: nothing else is printed. */
async function serveOverStdio(parsed: Parsed, io: Io, config: Config): Promise<number> {
  const view = textOption(parsed, 'view') ?? ''
  const log = makeLog(config.log.level === 'info' ? 'warn' : config.log.level)
  let house: House
  try {
    house = await openHouse(config, { world: io.world, log })
  } catch (thrown) {
    const inUse: FaultCode = 'store/unavailable'
    if (!(thrown instanceof Fault && thrown.code === inUse)) throw thrown
    // Of a relay nothing is left to do, so its end needs no order.
    io.stdout.once('error', () => process.exit(EXIT.ok))
    return relayStdio(config, io, view, thrown)
  }
  const stopping = Promise.race([stopSignal(), clientGone(io)])
  let forget: (() => void) | undefined
  try {
    // Others of this configuration, the CLI and further desktop clients, reach us here.
    const door = await house.listen().catch(() => house.listen({ port: 0 }))
    acceptRelays(house, door)
    const { publicUrl: _elsewhere, ...listen } = config.listen
    forget = announce(config, io.world, urlOf({ ...config, listen }, door.port))
    const found = house.gateway.view(view)
    if (!found) throw new Fault('http/not-found', `there is no server or view "${view}".`)
    const rooms = { gateway: house.gateway, who: localAuthenticator(undefined), view: found }
    // A client that closed its end is gone, and so it is when we are told to stop.
    void stopping.then(() => io.stdin.destroy())
    await serveStdio({ ...rooms, input: io.stdin, output: io.stdout, limits: config.limits })
  } finally {
    forget?.()
    await house[Symbol.asyncDispose]()
  }
  return EXIT.ok
}
