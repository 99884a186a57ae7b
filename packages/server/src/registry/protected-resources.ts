import { classesOf, DISCOVER, toolScope, type OpenedTool, type Protected } from '#auth'
import { own, type Definition } from '@countersign/contract'
import { effectUnder, type ToolRules } from './rules.ts'
import type { View, Views } from './views.ts'

interface ProtectedRooms {
  readonly views: Views
  readonly rules: ToolRules
  /** Lists these servers, unless they were; resolves when that is done or takes too long. */
  readonly list: (servers: readonly string[]) => Promise<void>
  /** The catalogue's epoch now. */
  readonly epoch: () => number
}

const CLASSES = ['read', 'write', 'admin'] as const

/** The views as audiences of tokens, under the name by which clients know us. */
export function protectedResources(
  rooms: ProtectedRooms,
  urlOf: (view: string) => string,
): Protected {
  const resourceOf = (view: View) => ({
    url: urlOf(view.id),
    view: view.id,
    name: view.id === '' ? 'Countersign' : `Countersign: ${view.id}`,
    ready: () => rooms.list(view.servers),
    scopes: () => scopesOf(view),
    opens: (scope: string) => toolsOf(view).flatMap((tool) => opened(rooms.rules, tool, scope)),
    epoch: rooms.epoch,
  })
  const all = () => rooms.views.all().map(resourceOf)
  return { all, at: (url) => all().find((one) => one.url === url) }
}

const toolsOf = (view: View): readonly Definition[] =>
  view.list('tool').map(({ definition }) => definition)

const scopesOf = (view: View): readonly string[] => [
  DISCOVER,
  ...view.servers.flatMap((server) => CLASSES.map((one) => `${server}:${one}`)),
  ...toolsOf(view).map(({ server, name }) => toolScope(server, name)),
]

/** The tool, if this scope opens it: by name, or by its class. */
function opened(rules: ToolRules, tool: Definition, scope: string): readonly OpenedTool[] {
  const { server, name, body } = tool
  const effect = effectUnder(rules, tool)
  const classes = classesOf(effect).map((one) => `${server}:${one}`)
  if (scope !== toolScope(server, name) && !classes.includes(scope)) return []
  const title = own(body, 'title')
  return [{ server, tool: name, title: typeof title === 'string' ? title : undefined, effect }]
}
