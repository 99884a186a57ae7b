import { isAbsolute, resolve } from 'node:path'
import type { ProcessSpec, ServerSpec, Transport } from '#upstream'
import type { ServerAuth } from '#vault'
import { expand, type Variable } from './expand.ts'
import { isLoopback } from './listen.ts'
import { fieldName, type Complain, type Path } from './mistake.ts'
import type { ServerEntry } from './schema.ts'
import { serverAuthOf } from './server-auth.ts'

/** What an entry is read with: where it stands, what its variables hold, whom to tell. */
export interface Reading {
  readonly at: Path
  /** The folder relative paths start from. */
  readonly folder: string
  readonly variable: Variable
  readonly complain: Complain
  readonly note: (text: string) => void
  /** Fields have been left out after a complaint, so what is missing means nothing. */
  readonly partial: boolean
}

/** Headers that belong to the connection or the protocol and are written by us. */
const OUR_HEADERS = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'host',
  'mcp-protocol-version',
  'mcp-session-id',
  'transfer-encoding',
])
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// oxlint-disable-next-line no-control-regex -- RFC 9110 §5.5: a value holds no control characters.
const HEADER_VALUE_BAD = /[\u0000-\u0008\u000A-\u001F\u007F]|[^\u0000-\u00FF]/

/** An entry of the file as the upstream room wants it. Undefined after a complaint. */
export function serverSpec(
  id: string,
  entry: ServerEntry,
  reading: Reading,
): ServerSpec | undefined {
  const transport = transportOf(entry, reading)
  if (!transport) return undefined
  const { era, start, callTimeoutMs, idleMs, messageBytesMax } = entry
  const auth = authOf(entry, transport, reading)
  return {
    id,
    transport,
    era,
    start,
    callTimeoutMs,
    idleMs,
    messageBytesMax,
    ...(auth ? { auth } : {}),
  }
}

function transportOf(entry: ServerEntry, reading: Reading): Transport | undefined {
  const { at, complain } = reading
  const { command, url, type } = entry
  const contrary = reading.partial ? undefined : contradiction(entry)
  if (contrary) complain([...at, ...contrary.field], contrary.problem, contrary.remedy)
  const process = command === undefined ? undefined : processOf(command, entry, reading)
  if (url === undefined) return process && { kind: 'stdio', process }
  const address = urlOf(url, reading)
  const headers = headersOf(entry.headers ?? {}, reading)
  if (address === undefined) return undefined
  noteClearText(address, headers, reading)
  if (type === 'sse') return { kind: 'sse', url: address, headers }
  return { kind: 'http', url: address, headers, ...(process ? { process } : {}) }
}

/** A token says who calls, so nothing else may. */
function authOf(
  { auth, headers = {} }: ServerEntry,
  transport: Transport,
  reading: Reading,
): ServerAuth | undefined {
  if (!auth) return undefined
  const { at, complain } = reading
  if (transport.kind === 'stdio') {
    const remedy = 'a program is given what it needs by env'
    complain([...at, 'auth'], 'auth without url', remedy)
    return undefined
  }
  const shown = Object.keys(headers).find((name) => /^(?:authorization|dpop)$/i.test(name))
  if (shown !== undefined) {
    complain([...at, 'headers', shown], 'a credential beside auth', 'keep one of them')
  }
  return serverAuthOf(auth, transport.url, reading)
}

interface Contradiction {
  readonly field: Path
  readonly problem: string
  readonly remedy: string
}

function contradiction(entry: ServerEntry): Contradiction | undefined {
  const { command, url, type } = entry
  if (url !== undefined) return command === undefined ? lost(entry) : misfit(type)
  if (command === undefined) {
    const remedy = 'say how the server is started or reached'
    return { field: [], problem: 'neither command nor url', remedy }
  }
  if (type === 'http' || type === 'sse') {
    return { field: ['type'], problem: `${type} needs a url`, remedy: 'add url, or remove type' }
  }
  if (Object.keys(entry.headers ?? {}).length === 0) return undefined
  return { field: ['headers'], problem: 'headers without url', remedy: 'add url, or remove them' }
}

function lost(entry: ServerEntry): Contradiction | undefined {
  if (entry.type === 'stdio') return misfit('stdio')
  const field = (['args', 'env', 'cwd'] as const).find((name) => {
    const written = entry[name]
    return typeof written === 'object' ? Object.keys(written).length > 0 : written !== undefined
  })
  if (field === undefined) return undefined
  return {
    field: [field],
    problem: `${field} without command`,
    remedy: 'add command, or remove it',
  }
}

function misfit(type: ServerEntry['type']): Contradiction | undefined {
  if (type === undefined || type === 'http') return undefined
  const problem = `type ${type} does not fit what else is written`
  return { field: ['type'], problem, remedy: 'with url, remove it or write http' }
}

function processOf(command: string, entry: ServerEntry, reading: Reading): ProcessSpec {
  const { at, folder, complain } = reading
  const text = (field: Path, written: string): string =>
    expanded([...at, ...field], written, reading)
  const program = text(['command'], command)
  if (program.trim() === '' || hasZero(program)) {
    complain([...at, 'command'], 'not the name of a program', 'name the program to start')
  }
  const args = (entry.args ?? []).map((arg, index) => text(['args', index], arg))
  const env = Object.entries(entry.env ?? {}).map(([name, value]): [string, string] => {
    if (name === '' || name.includes('=') || hasZero(name)) {
      complain([...at, 'env', name], 'not the name of a variable', 'letters, digits and _')
    }
    return [name, text(['env', name], value)]
  })
  if ([...args, ...env.map(([, value]) => value)].some(hasZero)) {
    complain(at, 'a zero character', 'no program can be given one')
  }
  const cwd = text(['cwd'], entry.cwd ?? '.')
  if (/^~(?:[/\\]|$)/.test(cwd)) complain([...at, 'cwd'], '~ means nothing here', 'use ${HOME}')
  return { command: program, args, env: Object.fromEntries(env), cwd: resolve(folder, cwd) }
}

function urlOf(written: string, reading: Reading): string | undefined {
  const at = [...reading.at, 'url']
  const seen = { failed: false }
  const complain: Complain = (...said) => {
    seen.failed = true
    reading.complain(...said)
  }
  const text = expanded(at, written, { ...reading, complain })
  if (seen.failed) return undefined
  if (!URL.canParse(text)) {
    complain(at, 'not a URL', 'for example https://mcp.example/mcp')
    return undefined
  }
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    complain(at, 'neither http nor https', 'no other kind of URL is spoken')
  } else if (url.username !== '' || url.password !== '') {
    complain(at, 'a password in the URL', 'send it in headers: URLs are shown and recorded')
  } else if (url.hash !== '') {
    complain(at, 'a # part in the URL', 'remove it: it is never sent')
  }
  return seen.failed ? undefined : text
}

function headersOf(
  written: Readonly<Record<string, string>>,
  reading: Reading,
): Record<string, string> {
  const headers: Record<string, string> = {}
  const seen = new Set<string>()
  for (const [name, value] of Object.entries(written)) {
    const at = [...reading.at, 'headers', name]
    const lower = name.toLowerCase()
    if (!HEADER_NAME.test(name))
      reading.complain(at, 'not the name of a header', 'letters, digits and -')
    else if (seen.has(lower)) reading.complain(at, 'this header is here twice', 'keep one')
    seen.add(lower)
    if (OUR_HEADERS.has(lower)) {
      reading.note(
        `${fieldName(reading.at)}: the header ${lower} is written by us; yours is not sent`,
      )
      continue
    }
    const text = expanded(at, value, reading)
    if (HEADER_VALUE_BAD.test(text)) {
      reading.complain(
        at,
        'a character no header may hold',
        'remove line ends and non-Latin letters',
      )
    }
    headers[name] = text
  }
  return headers
}

function noteClearText(url: string, headers: object, { at, note }: Reading): void {
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'http:' || isLoopback(hostname) || Object.keys(headers).length === 0) return
  note(`${fieldName(at)}: its headers travel unencrypted; use https`)
}

function expanded(at: Path, written: string, { variable, complain }: Reading): string {
  const result = expand(written, variable)
  if (result.ok) return result.text
  complain(at, result.problem, result.remedy)
  return 'unset'
}

const hasZero = (text: string): boolean => text.includes('\0')

/** A folder of the file, made absolute. */
export const folderFrom = (base: string, written: string): string =>
  isAbsolute(written) ? written : resolve(base, written)
