import { dirname, join, resolve } from 'node:path'
import { Document, isMap, Pair, parseDocument, Scalar } from 'yaml'
import type { World } from '#base'
import { CONFIG_SCHEMA_URL, isFields, parseConfig, type Fields } from '#config'
import { readBytes, textOf, type FileContent } from './client-file.ts'

/** `countersign.yaml` as it is before the import. */
export interface OurFile {
  readonly path: string
  /** Undefined when there is none yet. */
  readonly content: FileContent | undefined
  readonly text: string
  /** The servers as they are written, variables unfilled. */
  readonly servers: ReadonlyMap<string, Fields>
  readonly data: string
  readonly origin: string
}

export type ReadOurs =
  | { readonly ok: true; readonly file: OurFile }
  | { readonly ok: false; readonly problem: string }

const HEADER = `# yaml-language-server: $schema=${CONFIG_SCHEMA_URL}\n`
const STARTER = `${HEADER}# The servers Countersign stands in front of. An example, to be uncommented:
servers:
  # files:
  #   command: npx
  #   args: [-y, "@modelcontextprotocol/server-filesystem", .]
  # remote:
  #   url: https://mcp.example/mcp
  #   headers:
  #     Authorization: Bearer \${TOKEN}
`

export function readOurs(world: World, path: string): ReadOurs {
  if (!/\.ya?ml$/i.test(path)) {
    return {
      ok: false,
      problem: `${path}: only a .yaml file is written here; name one with --config`,
    }
  }
  const read = readBytes(path)
  if (read.kind === 'unreadable') return { ok: false, problem: `${path}: ${read.problem}` }
  const decoded = read.kind === 'content' ? textOf(read.content.bytes) : { text: '' }
  if (!decoded) return { ok: false, problem: `${path}: not UTF-8` }
  const { text } = decoded
  try {
    // Variables that are set elsewhere are no reason not to add servers.
    const env = (name: string): string => world.env(name) ?? 'unset'
    const { listen, data } = parseConfig({ world: { env }, text, path })
    const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
    const origin = listen.publicUrl ?? `http://${host}:${listen.port}`
    const content = read.kind === 'content' ? read.content : undefined
    return { ok: true, file: { path, content, text, servers: serversIn(text), data, origin } }
  } catch (thrown) {
    return { ok: false, problem: thrown instanceof Error ? thrown.message : String(thrown) }
  }
}

/** The data folder that belongs to a file, also when the file cannot be read any more. */
export const dataFolderOf = (read: ReadOurs, path: string): string =>
  read.ok ? read.file.data : join(dirname(resolve(path)), '.countersign')

function serversIn(text: string): ReadonlyMap<string, Fields> {
  const value: unknown = parseDocument(text).toJS({ maxAliasCount: 1_000 })
  const sections = isFields(value) ? [value['servers'], value['mcpServers']] : []
  const entries = sections.flatMap((section) => (isFields(section) ? Object.entries(section) : []))
  return new Map(entries.filter((pair): pair is [string, Fields] => isFields(pair[1])))
}

export interface NewServer {
  readonly id: string
  readonly entry: Fields
  readonly comments: readonly string[]
}

/** The text with the servers added; everything else in it stays. */
export function withServers(text: string, servers: readonly NewServer[]): string {
  if (servers.length === 0) return text.trim() === '' ? STARTER : text
  const fresh = text.trim() === ''
  const document = fresh ? new Document({ servers: {} }) : parseDocument(text)
  if (!isMap(document.get('servers'))) document.set('servers', document.createNode({}))
  const mapping = document.get('servers')
  if (!isMap(mapping)) return text
  mapping.flow = false
  for (const { id, entry, comments } of servers) {
    const key = new Scalar(id)
    key.commentBefore = comments.map((line) => ` ${oneLine(line)}`).join('\n')
    key.spaceBefore = mapping.items.length > 0
    mapping.add(new Pair(key, document.createNode(entry)))
  }
  const written = document.toString({ lineWidth: 0 })
  return fresh ? HEADER + written : withLineEnds(written, text)
}

const withLineEnds = (written: string, like: string): string =>
  like.includes('\r\n') ? written.replaceAll(/\r?\n/g, '\r\n') : written

const oneLine = (line: string): string => line.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?')
