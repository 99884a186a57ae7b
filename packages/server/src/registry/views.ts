import { byKind, type Definition, type JsonObject, type Kind } from '@countersign/contract'
import type { Since } from '#auth'
import type { Listed } from './listed.ts'
import { exposedTool } from './exposed-tool.ts'
import { exposedNames } from './names.ts'
import { readParamHeaders, type ParamHeader } from './param-headers.ts'
import { routeResources, type ResourceRouter } from './resource-router.ts'

/** One definition as a view shows it. */
export interface Exposed {
  readonly name: string
  readonly body: JsonObject
  readonly definition: Definition
  /** Of a tool: since when the scopes of its classes cover it. */
  readonly since: Since | undefined
  /** The arguments that a modern HTTP client mirrors, read from the schema that it was shown (F-026). */
  readonly paramHeaders: readonly ParamHeader[]
}

/** Where a name of this view leads. A resource may be served without being listed. */
export interface Found {
  readonly server: string
  readonly name: string
  readonly exposed: Exposed | undefined
}

/** A named selection of servers behind one URL. */
export interface View {
  /** The last part of its URL; the empty string for `/mcp` itself. */
  readonly id: string
  readonly servers: readonly string[]
  readonly list: (kind: Kind) => readonly Exposed[]
  readonly find: (kind: Kind, name: string) => Found | undefined
  readonly resources: () => ResourceRouter
  /** Rises with each change of what the view shows. */
  readonly version: () => number
}

export interface Views {
  readonly find: (id: string) => View | undefined
  readonly all: () => readonly View[]
}

interface ViewSpec {
  readonly id: string
  readonly servers: readonly string[]
  /** An aggregated view names things `{server}_{name}`; a single-server view keeps their own names. */
  readonly isAggregated: boolean
}

/** Every view: `/mcp` with all servers, one for each server, and the ones configured by name. */
export function makeViews(
  servers: readonly string[],
  named: Readonly<Record<string, readonly string[]>>,
  listed: (server: string) => Listed,
): Views {
  const specs: readonly ViewSpec[] = [
    { id: '', servers: servers.toSorted(), isAggregated: true },
    ...servers.map((server) => ({ id: server, servers: [server], isAggregated: false })),
    ...Object.entries(named).map(([id, members]) => ({
      id,
      servers: members.toSorted(),
      isAggregated: true,
    })),
  ]
  const views = new Map(specs.map((spec) => [spec.id, makeView(spec, listed)]))
  return { find: (id) => views.get(id), all: () => [...views.values()] }
}

interface Shown {
  readonly lists: Readonly<Record<Kind, readonly Exposed[]>>
  readonly byName: Readonly<Record<Kind, ReadonlyMap<string, Exposed>>>
  readonly resources: ResourceRouter
}

function makeView(spec: ViewSpec, listed: (server: string) => Listed): View {
  const version = (): number => spec.servers.reduce((sum, id) => sum + listed(id).version, 0)
  let shown: Shown | undefined
  let shownVersion = -1
  const current = (): Shown => {
    const now = version()
    if (shown === undefined || shownVersion !== now) {
      shown = show(spec, listed)
      shownVersion = now
    }
    return shown
  }
  return {
    id: spec.id,
    servers: spec.servers,
    version,
    list: (kind) => current().lists[kind],
    resources: () => current().resources,
    find: (kind, name) => {
      const { byName, resources } = current()
      if (kind === 'tool' || kind === 'prompt') {
        const exposed = byName[kind].get(name) ?? byName[kind].get(otherSpelling(name))
        return exposed && foundAs(exposed)
      }
      const exposed = byName[kind].get(name)
      if (exposed) return foundAs(exposed)
      const routed = resources.inward(name)
      return routed && { server: routed.server, name: routed.uri, exposed: undefined }
    },
  }
}

const foundAs = (exposed: Exposed): Found => ({
  server: exposed.definition.server,
  name: exposed.definition.name,
  exposed,
})

/** Clients and models turn hyphens, dots and capitals into underscores: both spellings are accepted. */
const otherSpelling = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')

function show(spec: ViewSpec, listed: (server: string) => Listed): Shown {
  const all = (kind: Kind): readonly Definition[] =>
    spec.servers.flatMap((server) => listed(server).definitions[kind])
  const resources = routeResources(spec.servers, [...all('resource'), ...all('template')])
  const lists = byKind((kind) =>
    expose(spec, kind, all(kind), resources).map((one) => ({
      ...one,
      since: kind === 'tool' ? sinceOf(listed, one.definition) : undefined,
    })),
  )
  const byName = byKind((kind) => new Map(lists[kind].map((one) => [one.name, one])))
  return { lists, byName, resources }
}

const sinceOf = (listed: (server: string) => Listed, { server, name }: Definition): Since =>
  listed(server).since.get(name) ?? { classes: {} }

type Named = Omit<Exposed, 'since'>

function expose(
  spec: ViewSpec,
  kind: Kind,
  definitions: readonly Definition[],
  resources: ResourceRouter,
): readonly Named[] {
  const isNamed = kind === 'tool' || kind === 'prompt'
  const names =
    isNamed && spec.isAggregated
      ? exposedNames(definitions)
      : definitions.map(({ name, server }) => (isNamed ? name : resources.outward(server, name)))
  return definitions
    .map((definition, at) => exposeOne(spec, definition, names[at] ?? definition.name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function exposeOne(spec: ViewSpec, definition: Definition, name: string): Named {
  const { kind, body } = definition
  switch (kind) {
    case 'tool': {
      const shown = exposedTool(definition, spec.isAggregated ? name : undefined)
      const paramHeaders = readParamHeaders(shown['inputSchema']) ?? []
      return { name, definition, body: shown, paramHeaders }
    }
    case 'prompt':
      return { name, definition, body: { ...body, name }, paramHeaders: [] }
    case 'resource':
      return { name, definition, body: { ...body, uri: name }, paramHeaders: [] }
    case 'template':
      return { name, definition, body: { ...body, uriTemplate: name }, paramHeaders: [] }
  }
}
