import { isFields, type Fields } from './fields.ts'

/** An entry of another program in our fields, and which of its fields each came from. */
export interface Pasted {
  readonly entry: Readonly<Record<string, unknown>>
  readonly from: Readonly<Record<string, string>>
  readonly unused: readonly string[]
  readonly problems: readonly { field: string; problem: string; remedy: string }[]
}

/** Other programs' names for our fields. The first one present is taken. */
const NAMES = {
  command: ['command', 'cmd'],
  args: ['args'],
  env: ['env', 'environment', 'envs'],
  cwd: ['cwd'],
  url: ['url', 'httpUrl', 'serverUrl', 'uri'],
  headers: ['headers', 'http_headers'],
  type: ['type', 'transport', 'transportType'],
  era: ['era'],
  start: ['start'],
  callTimeoutMs: ['callTimeoutMs'],
  idleMs: ['idleMs'],
  messageBytesMax: ['messageBytesMax'],
} as const

/** Every spelling of a transport seen in clients, and what we call it. */
const TYPES: Readonly<Record<string, 'stdio' | 'http' | 'sse'>> = {
  stdio: 'stdio',
  local: 'stdio',
  http: 'http',
  https: 'http',
  remote: 'http',
  streamablehttp: 'http',
  'streamable-http': 'http',
  streamable_http: 'http',
  sse: 'sse',
}

/** Reads an entry in the shape of any client; what it means for them alone is listed. */
export function readPasted(written: Fields): Pasted {
  const fields = flattened(written)
  const entry: Record<string, unknown> = {}
  const from: Record<string, string> = {}
  const used = new Set<string>(['disabled', 'enabled', '$schema'])
  for (const [ours, theirs] of Object.entries(NAMES)) {
    const found = theirs.find((name) => fields[name] !== undefined && fields[name] !== null)
    if (found === undefined) continue
    entry[ours] = fields[found]
    from[ours] = found
    used.add(found)
  }
  splitCommand(entry)
  for (const idle of pointless(entry)) {
    delete entry[idle]
    used.delete(from[idle] ?? idle)
  }
  const problems = typeProblems(entry, from)
  if (fields['disabled'] === true || fields['enabled'] === false) entry['disabled'] = true
  const unused = Object.keys(fields).filter((name) => !used.has(name))
  return { entry, from, unused, problems }
}

/** Cline nests all but the flags under `transport`; older Zed nests under `command`. */
function flattened(fields: Fields): Fields {
  const { transport, command, ...rest } = fields
  if (isFields(transport)) return { ...rest, command, ...transport }
  if (!isFields(command)) return fields
  const { path, ...inside } = command
  return { ...rest, command: path, ...inside }
}

/** opencode writes the program and its arguments as one list. */
function splitCommand(entry: Record<string, unknown>): void {
  const { command } = entry
  if (!Array.isArray(command) || command.length === 0) return
  const args: unknown = entry['args']
  entry['command'] = command[0]
  entry['args'] = [...command.slice(1), ...(Array.isArray(args) ? args : [])]
}

/** Clients pass over what does not belong to the transport. */
function pointless({ command, url }: Fields): readonly string[] {
  if (command === undefined && url !== undefined) return ['args', 'env', 'cwd']
  return command !== undefined && url === undefined ? ['headers'] : []
}

function typeProblems(entry: Record<string, unknown>, from: Fields): Pasted['problems'] {
  const { type } = entry
  if (type === undefined) return []
  const known = typeof type === 'string' ? TYPES[type.toLowerCase()] : undefined
  delete entry['type']
  if (known !== undefined) {
    entry['type'] = known
    return []
  }
  return [
    {
      field: String(from['type']),
      problem: 'a kind of transport we do not know',
      remedy: 'one of stdio, http, streamable-http, sse',
    },
  ]
}
