import type { Label } from '#policy'
import { sortedLabels, type ToolRule } from '#registry'
import { pathProblem } from '#tasks'
import type { ServerSpec } from '#upstream'
import { isFields, type Fields } from './fields.ts'
import type { Flow } from './flow.ts'
import { keyName, type Complain, type Path } from './mistake.ts'
import { readPasted } from './pasted.ts'
import { configSchema, serverSchema, type ServerEntry } from './schema.ts'
import { idProblem, serverIdFrom } from './server-id.ts'
import { serverSpec, type Reading } from './server-spec.ts'
import { complainShape, withoutWrong } from './shape-problem.ts'

interface Servers {
  readonly servers: readonly ServerSpec[]
  readonly disabled: readonly string[]
  /** What was decided about single tools, by server. */
  readonly rules: Readonly<Record<string, Readonly<Record<string, ToolRule>>>>
  /** What the operator says of all that a server has. */
  readonly labels: Flow['servers']
  /** Every name written, also of entries with mistakes. */
  readonly ids: ReadonlySet<string>
}

type Context = Omit<Reading, 'at' | 'partial'>

interface Found {
  readonly id: string
  readonly at: Path
  readonly entry: ServerEntry | undefined
  /** True when fields were left out of the entry after a complaint. */
  readonly partial: boolean
  readonly complain: Complain
}

/** Our own entries and those of a pasted block, checked alike. */
export function readServers(root: Fields, context: Context): Servers {
  const found = [...ownEntries(root, context), ...pastedEntries(root, context)]
  const servers: ServerSpec[] = []
  const disabled: string[] = []
  const rules: Record<string, Readonly<Record<string, ToolRule>>> = {}
  const labels: Record<string, readonly Label[]> = {}
  const prefixes = new Map<string, string>()
  for (const { id, at, entry, partial, complain } of found) {
    // Tools are named after their server with every - written as _.
    const prefix = id.replaceAll('-', '_')
    const other = prefixes.get(prefix)
    if (other !== undefined) {
      complain(at, `its tools would be named like those of ${keyName(other)}`, 'rename one of them')
    }
    prefixes.set(prefix, id)
    if (entry?.disabled === true) disabled.push(id)
    else if (entry) {
      const spec = serverSpec(id, entry, { ...context, at, partial, complain })
      if (spec) servers.push(spec)
      rules[id] = rulesOf(entry, at, complain)
      if (entry.labels) labels[id] = entry.labels
    }
  }
  return { servers, disabled, rules, labels, ids: new Set(found.map(({ id }) => id)) }
}

function rulesOf(
  { tools = {} }: ServerEntry,
  at: Path,
  complain: Complain,
): Readonly<Record<string, ToolRule>> {
  return Object.fromEntries(
    Object.entries(tools).map(([name, { after, labels, ...rule }]) => {
      for (const field of ['compensate', 'reconcile'] as const) {
        const problem = rule[field] && pathProblem(rule[field].arguments)
        const where = [...at, 'tools', name, field, 'arguments']
        if (problem !== undefined) complain(where, problem, 'write a JSONPath of RFC 9535')
      }
      const said = labels ? { labels: sortedLabels(labels) } : {}
      return [name, { ...rule, ...said, ...(after === undefined ? {} : { afterMs: after }) }]
    }),
  )
}

function ownEntries(root: Fields, { complain }: Context): Found[] {
  return entriesOf(root, 'servers', complain).map(([id, written]) => {
    const at = ['servers', id]
    const problem = idProblem(id)
    if (problem) complain(at, problem.problem, problem.remedy)
    return { id, at, ...shaped(written, at, complain), complain }
  })
}

function pastedEntries(root: Fields, { complain, note }: Context): Found[] {
  const ids = new Set<string>()
  return entriesOf(root, 'mcpServers', complain).map(([name, written]) => {
    const at = ['mcpServers', name]
    const id = freeId(serverIdFrom(name), ids)
    if (id !== name) note(`${at[0]}.${keyName(name)} is called ${id} here`)
    if (!isFields(written)) {
      return { id, at, ...shaped(written, at, complain), complain }
    }
    const { entry, from, unused, problems } = readPasted(written)
    if (unused.length > 0) {
      note(`${at[0]}.${keyName(name)}: not used: ${unused.map(keyName).join(', ')}`)
    }
    const renamed: Complain = (path, ...said) => {
      const [section = '', server = '', field = '', ...rest] = path
      const theirs = path.length < 3 ? [] : [from[field] ?? field]
      complain([section, server, ...theirs, ...rest], ...said)
    }
    for (const { field, problem, remedy } of problems) complain([...at, field], problem, remedy)
    return { id, at, ...shaped(entry, at, renamed), complain: renamed }
  })
}

function entriesOf(root: Fields, section: string, complain: Complain): [string, unknown][] {
  const written = root[section]
  if (written === undefined) return []
  if (isFields(written)) return Object.entries(written)
  const read = configSchema.shape.servers.safeParse(written)
  complainShape(read.error?.issues ?? [], written, [section], complain)
  return []
}

/** After a complaint the rest of the entry is read without the wrong fields, for its own mistakes. */
function shaped(written: unknown, at: Path, complain: Complain): Pick<Found, 'entry' | 'partial'> {
  const read = serverSchema.safeParse(written)
  if (read.success) return { entry: read.data, partial: false }
  const { issues } = read.error
  complainShape(issues, written, at, complain)
  if (!isFields(written)) return { entry: undefined, partial: true }
  return { entry: serverSchema.safeParse(withoutWrong(written, issues)).data, partial: true }
}

function freeId(wanted: string, taken: Set<string>): string {
  let id = wanted
  for (let number = 2; taken.has(id); number += 1) id = `${wanted.slice(0, 28)}-${number}`
  taken.add(id)
  return id
}
