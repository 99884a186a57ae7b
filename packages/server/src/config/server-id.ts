/** Lower-case words joined by `_` or `-`: what survives every client as part of a tool name. */
export const SERVER_ID = /^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/
export const SERVER_ID_CHARS_MAX = 32

/**
 * Names that mean something else: our own tools, paths of the front door, keys every object has.
 * `mcp` in front makes Gemini CLI leave out the name of the server.
 */
const RESERVED = new Set([
  'admin',
  'all',
  'api',
  'auth',
  'console',
  'constructor',
  'countersign',
  'health',
  'mcp',
  'metrics',
  'none',
  'oauth',
  'self',
])

const isReserved = (name: string): boolean =>
  RESERVED.has(name) || /^(?:mcp|countersign)[-_]/.test(name)

/** Why a name cannot be used, or undefined when it can. */
export function idProblem(name: string): { problem: string; remedy: string } | undefined {
  if (isReserved(name)) {
    return { problem: 'this name is reserved', remedy: `for example \`${serverIdFrom(name)}\`` }
  }
  if (SERVER_ID.test(name) && name.length <= SERVER_ID_CHARS_MAX) return undefined
  return {
    problem: `a name is at most ${SERVER_ID_CHARS_MAX} characters of a-z, 0-9, - and _, starting with a letter`,
    remedy: `for example \`${serverIdFrom(name)}\``,
  }
}

/** The nearest name we can use for whatever another program called it. */
export function serverIdFrom(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '-')
    .replaceAll(/[-_]*_[-_]*/g, '_')
    .replaceAll(/^[-_0-9]+|[-_]+$/g, '')
  const unreserved = words.replace(/^(?:mcp|countersign)[-_]+(?=[a-z])/, '')
  const cut = unreserved.slice(0, SERVER_ID_CHARS_MAX).replace(/[-_]+$/, '')
  if (cut === '') return 'server'
  return isReserved(cut) ? `the-${cut}`.slice(0, SERVER_ID_CHARS_MAX).replace(/[-_]+$/, '') : cut
}
