/** Tools among the kinds of an engine: a prefix keeps them apart from its own. */
const PREFIX = 'tool/'

/** The kind of the tasks of a tool. */
export const kindOf = (name: string): string => `${PREFIX}${name}`

/** The tool whose tasks are of this kind; undefined for tasks that are no tool's. */
export const toolOf = (kind: string): string | undefined =>
  kind.startsWith(PREFIX) ? kind.slice(PREFIX.length) : undefined
