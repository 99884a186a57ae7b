import type { OpenedTool, ProtectedResource } from '../embedded/protected.ts'

/** One scope, as somebody is asked about it. */
export interface ScopeWords {
  readonly scope: string
  readonly words: string
  readonly more: string | undefined
  readonly tools: readonly ToolWords[]
}

interface ToolWords {
  readonly name: string
  readonly effect: string
  /** Something may be lost by it. */
  readonly isSharp: boolean
}

const EFFECTS: Readonly<Record<OpenedTool['effect'], string>> = {
  read: 'reads',
  idempotent: 'changes, safe to repeat',
  write: 'changes',
  destructive: 'may delete or overwrite',
}

const CLASSES: Readonly<Record<string, (server: string) => string>> = {
  read: (server) => `Read with ${server}`,
  write: (server) => `Read and change with ${server}`,
  admin: (server) => `Use everything in ${server}`,
}

/** Scopes that are no tools. */
const OTHERS: Readonly<Record<string, readonly [words: string, more: string]>> = {
  'mcp:discover': [
    'See what there is',
    'Which tools exist, and its own tasks. It can call none of them.',
  ],
  openid: ['Know that it is you', 'An identifier, nothing else about you.'],
  offline_access: [
    'Stay connected',
    'Also while you are away, until you or an administrator end it.',
  ],
}

/** A scope in words, with exactly the tools that it opens now. */
export function scopeWords(scope: string, resource: ProtectedResource | undefined): ScopeWords {
  const opened = resource?.opens(scope) ?? []
  const tools = opened.map((tool) => toolWords(tool, opened))
  const other = Object.hasOwn(OTHERS, scope) ? OTHERS[scope] : undefined
  if (other) return { scope, words: other[0], more: other[1], tools }
  const more =
    tools.length === 0
      ? 'None of its tools is known yet. Those that come later are asked about by themselves.'
      : undefined
  return { scope, words: classWords(scope, tools) ?? toolScopeWords(opened) ?? scope, more, tools }
}

function classWords(scope: string, tools: readonly ToolWords[]): string | undefined {
  const [, server = '', kind = ''] = /^([^:]+):([a-z]+)$/.exec(scope) ?? []
  const words = Object.hasOwn(CLASSES, kind) ? CLASSES[kind]?.(server) : undefined
  const isSharp = tools.some((tool) => tool.isSharp)
  return words !== undefined && isSharp ? `${words}, also what may delete` : words
}

const toolScopeWords = ([tool]: readonly OpenedTool[]): string | undefined =>
  tool && `Use “${tool.title ?? tool.tool}” of ${tool.server}`

function toolWords(tool: OpenedTool, all: readonly OpenedTool[]): ToolWords {
  const isOneServer = all.every(({ server }) => server === tool.server)
  const name = tool.title ?? tool.tool
  return {
    name: isOneServer ? name : `${tool.server}: ${name}`,
    effect: EFFECTS[tool.effect],
    isSharp: tool.effect === 'destructive',
  }
}
