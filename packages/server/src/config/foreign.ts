import { basename } from 'node:path'
import { keyName } from './mistake.ts'
import { SECTIONS } from './schema.ts'

/** What another program's file holds for us, or undefined when the file is meant for us alone. */
export interface Foreign {
  readonly client: string
  /** Where its servers stand in the file. */
  readonly key: 'mcpServers' | 'servers'
  readonly notes: readonly string[]
}

/** Files known by their name, and keys that only one program writes. */
const CLIENTS: readonly { client: string; files: RegExp; marks: readonly string[] }[] = [
  {
    client: 'Claude Code',
    files: /^\.claude\.json$/,
    marks: ['numStartups', 'hasCompletedOnboarding', 'oauthAccount', 'tipsHistory', 'userID'],
  },
  {
    client: 'Claude Desktop',
    files: /^claude_desktop_config\.json$/,
    marks: ['globalShortcut', 'preferences', 'isUsingBuiltInNodeForMcp'],
  },
  {
    client: 'Gemini CLI',
    files: /^(?:settings|gemini-extension)\.json$/,
    marks: ['security', 'general', 'ui', 'selectedAuthType', 'contextFileName'],
  },
  { client: 'Copilot CLI', files: /^mcp-config\.json$/, marks: [] },
  {
    client: 'an MCP client',
    files: /^(?:\.mcp|mcp|mcp_config|.*mcp_settings|managed-mcp)\.json$/,
    marks: [],
  },
]

function clientOfFile(path: string, keys: readonly string[]): string | undefined {
  const name = basename(path.replaceAll('\\', '/'))
  const known = CLIENTS.find(({ files }) => files.test(name))
  return (known ?? CLIENTS.find(({ marks }) => marks.some((mark) => keys.includes(mark))))?.client
}

/**
 * A client's file used in place of ours. Other keys are passed over only when the file is clearly
 * a client's: in a file of ours an unknown key is a typing error.
 */
export function foreignOf(
  path: string,
  root: Readonly<Record<string, unknown>>,
): Foreign | undefined {
  // A file with our name is ours, though nothing but servers stands in it.
  if (!/\.jsonc?$/i.test(path) || /(?:^|[/\\])countersign\.jsonc?$/i.test(path)) return undefined
  const keys = Object.keys(root).filter((key) => key !== '$schema')
  if (keys.includes('servers') && keys.every((key) => key === 'servers' || key === 'inputs')) {
    return { client: 'VS Code', key: 'servers', notes: [] }
  }
  const others = keys.filter((key) => key !== 'mcpServers')
  if (!keys.includes('mcpServers') || others.length === 0) return undefined
  if (others.some((key) => SECTIONS.has(key))) return undefined
  const client = clientOfFile(path, keys)
  if (client === undefined) return undefined
  const notes = [`this is a file of ${client}; not used: ${others.map(keyName).join(', ')}`]
  return { client, key: 'mcpServers', notes }
}
