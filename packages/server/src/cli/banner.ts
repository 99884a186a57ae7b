import type { Config } from '#config'
import type { CallEnded } from '#gateway'
import { printable } from './printable.ts'

interface Started {
  readonly recovered: readonly string[]
  readonly pid: number
  /** Where the first account is made, while nobody can sign in. */
  readonly first: string | undefined
}

/** What is running, and the lines that connect a client to it. */
export function banner(config: Config, url: string, { recovered, pid, first }: Started): string {
  const mcp = `${url}/mcp`
  const block = JSON.stringify({ mcpServers: { countersign: { type: 'http', url: mcp } } }, null, 2)
  const lines = [
    `Countersign is running at ${mcp}`,
    '',
    ...config.servers.map(({ id, transport }) => {
      const how =
        transport.kind === 'stdio' ? transport.process.command : withoutQuery(transport.url)
      return `  ${mcp}/${id}  ${transport.kind}  ${printable(how)}`
    }),
    ...(config.servers.length === 0
      ? ['  No servers are configured yet: countersign init, or add some under "servers".']
      : []),
    ...config.views.map(({ name, servers }) => `  ${mcp}/${name}  view of ${servers.join(', ')}`),
    '',
    config.auth
      ? `A token is needed, from ${issuersOf(config.auth, url).map(printable).join(' or ')}.`
      : 'Local mode: whoever can reach this address on this machine is "local". Other machines cannot.',
    config.policy
      ? `Policies of ${printable(config.policy.folder)} judge every call, and every call is recorded.`
      : 'No policy is written yet: every listed tool may be called, and every call is recorded.',
    ...config.notes.map((note) => `Note: ${printable(note)}`),
    ...(recovered.length > 0
      ? [
          `${String(recovered.length)} calls were cut off by a crash; their outcome is unknown: countersign log`,
        ]
      : []),
    ...(first === undefined
      ? []
      : [
          '',
          'Nobody can sign in yet. Make the first account here, within a day:',
          '',
          `  ${first}`,
        ]),
    '',
    'Connect a client:',
    '',
    block,
    '',
    `  claude mcp add --transport http countersign ${mcp}`,
    `  npx @modelcontextprotocol/inspector --cli ${mcp} --transport http --method tools/list`,
    '',
    'Or call a tool from here:',
    '',
    `  ${sampleCall(config)}`,
    '',
    ...(config.servers.some(({ id }) => id === SLOW_SERVER) ? slowCall(config, pid) : []),
    ...(isQuickstart(config) ? askedCall(config) : []),
    'Calls, as they happen:',
  ]
  return lines.join('\n')
}

const issuersOf = (
  { issuers, embedded }: NonNullable<Config['auth']>,
  url: string,
): readonly string[] => [
  ...(embedded ? [`our own authorization server (${url}/oauth)`] : []),
  ...issuers.map(({ issuer }) => issuer),
]

function sampleCall(config: Config): string {
  const [first] = config.servers
  const where = whereOf(config)
  if (!first) return `countersign tools ${where}`
  return config.servers.some(({ id }) => id === 'everything')
    ? `npx countersign call everything_echo --args '{"message":"hello"}' ${where}`
    : `npx countersign tools --view ${first.id} ${where}`
}

/** The quickstart's own server, whose tool takes its time. */
const SLOW_SERVER = 'reports'

/** What shows that a long call survives. */
function slowCall(config: Config, pid: number): readonly string[] {
  const where = whereOf(config)
  return [
    'A call that takes 20 s and survives everything. In two more terminals:',
    '',
    `  npx countersign tasks --watch ${where}`,
    `  npx countersign call reports_build_report ${where}`,
    '',
    `In the middle of it: kill -9 ${String(pid)}. Then start this again: it finishes, and no part is done twice.`,
    '',
  ]
}

/** The quickstart's own policy asks before its memory forgets. */
const isQuickstart = ({ policy, servers }: Config): boolean =>
  policy !== undefined &&
  ['memory', SLOW_SERVER].every((name) => servers.some(({ id }) => id === name))

/** What shows that a call waits for a yes. */
const askedCall = (config: Config): readonly string[] => [
  'A call that waits until you say yes; this terminal says by which command:',
  '',
  `  npx countersign call memory_delete_entities --args '{"entityNames":["nobody"]}' ${whereOf(config)}`,
  '',
]

/** The command that decides an approval of this gateway. */
export const approveCommand = (config: Config, id: string): string =>
  `npx countersign approve ${id} ${whereOf(config)}`

const whereOf = ({ path }: Config): string => `--config ${quote(path)}`

const quote = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path}'`)

/** A configured URL may carry a key in its query; it is not printed. */
const withoutQuery = (url: string): string => {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** One call in one line: when, where, what, whether a repeat would matter, and what came of it. */
export function callLine(at: Date, { opening, closing }: CallEnded): string {
  const time = at.toTimeString().slice(0, 8)
  const outcome = closing.isError === true ? 'answered (error)' : closing.outcome
  const why = closing.reason === undefined ? '' : ` ${closing.reason}`
  const took = `${closing.durationMs.toFixed(1)} ms`
  return printable(
    `${time}  ${opening.server}  ${opening.method} ${opening.name}  ${opening.effect}  ${outcome}${why}  ${took}  ${opening.client}  ${opening.call}`,
  )
}
