import type { Effect, Json } from '@countersign/contract'
import type { SeenArguments } from './arguments.ts'
import type { EntityJson } from './cedar.ts'
import type { Moment } from './moment.ts'

export interface Asker {
  readonly type: 'User' | 'Workload' | 'Agent'
  readonly id: string
  readonly subject: string
  readonly issuer?: string | undefined
  readonly groups: readonly string[]
}

export interface Thing {
  readonly type: 'Tool' | 'Prompt' | 'Resource'
  readonly server: string
  readonly name: string
}

/** A yes, as policies see it: the groups whose quorum is complete, and how many people spoke. */
export interface Approved {
  readonly groups: readonly string[]
  readonly people: number
}

/** How somebody proved who they are. */
export interface Strength {
  readonly acr?: string | undefined
  readonly amr: readonly string[]
  /** How long ago, in whole seconds. */
  readonly ageS?: number | undefined
}

/** Everything a decision can depend on. */
export interface Question {
  readonly principal: Asker
  readonly action: 'call' | 'read' | 'prompt' | 'list' | 'approve'
  readonly resource: Thing
  readonly effect: Effect
  readonly digest?: string | undefined
  readonly view: string
  readonly scopes: readonly string[]
  readonly agents: readonly string[]
  readonly delegation: number
  readonly proof: string
  /** What its token says of how somebody signed in. */
  readonly signIn?: Strength | undefined
  readonly moment: Moment
  readonly address?: string | undefined
  readonly run?: { readonly id: string; readonly labels: readonly string[] } | undefined
  /** Labels of what is asked for, sorted. */
  readonly labels?: readonly string[] | undefined
  /** Labels of what this principal has called lately, in whichever run; sorted. */
  readonly recent?: readonly string[] | undefined
  /** What was found in the arguments, sorted. */
  readonly found?: readonly string[] | undefined
  readonly approval?: Approved | undefined
  readonly arguments?: Json | undefined
  readonly argumentsDigest?: string | undefined
}

const entity = (type: string, id: string) => ({ __entity: { type, id } })
const extension = (fn: string, arg: string) => ({ __extn: { fn, arg } })

const ARGUMENT_TYPES = {
  text: 'Texts',
  number: 'Numbers',
  decimal: 'Decimals',
  flag: 'Flags',
  list: 'Lists',
} as const
const ARGUMENTS_ID = 'arguments'
export const NO_ARGUMENTS: SeenArguments = {
  given: [],
  text: {},
  number: {},
  decimal: {},
  flag: {},
  list: {},
}

/**
 * The question in Cedar's words, with the facts that its policies look at: what crosses into Cedar is
 * most of what a decision costs. The empty path is all of them.
 */
export function requestOf(asked: Question, seen: SeenArguments, facts: ReadonlySet<string>) {
  const { principal, resource, action } = asked
  return {
    principal: { type: principal.type, id: principal.id },
    action: { type: 'Action', id: action },
    resource: { type: resource.type, id: idOf(resource) },
    context: chosen(contextOf(asked, seen), facts),
    entities: entitiesOf(asked, seen),
  }
}

type Facts = ReturnType<typeof contextOf>

function chosen(context: Facts, facts: ReadonlySet<string>): Partial<Facts> {
  if (facts.has('')) return context
  const names = new Set([...facts].map((path) => path.split('.', 1)[0]))
  return Object.fromEntries(Object.entries(context).filter(([name]) => names.has(name)))
}

export const idOf = ({ server, name }: Pick<Thing, 'server' | 'name'>): string =>
  `${server}/${name}`

function contextOf(asked: Question, seen: SeenArguments) {
  const { moment, run, approval, address, digest } = asked
  return {
    effect: asked.effect,
    ...(digest === undefined ? {} : { digest }),
    view: entity('View', asked.view),
    arguments: {
      given: [...seen.given],
      ...Object.fromEntries(
        Object.entries(ARGUMENT_TYPES).map(([key, type]) => [key, entity(type, ARGUMENTS_ID)]),
      ),
    },
    argumentsDigest: asked.argumentsDigest ?? '',
    scopes: [...asked.scopes],
    agents: asked.agents.map((id) => entity('Agent', id)),
    delegation: asked.delegation,
    authentication: authenticationOf(asked),
    time: { ...moment, at: extension('datetime', moment.at) },
    network: address === undefined ? {} : { address: extension('ip', address) },
    ...(run === undefined ? {} : { run: { id: run.id, labels: [...run.labels] } }),
    labels: [...(asked.labels ?? [])],
    recent: [...(asked.recent ?? [])],
    found: [...(asked.found ?? [])],
    ...(approval === undefined
      ? {}
      : { approval: { groups: [...approval.groups], people: approval.people } }),
  }
}

function authenticationOf({ proof, signIn }: Question) {
  const { acr, amr = [], ageS } = signIn ?? {}
  return {
    proof,
    amr: [...amr],
    ...(acr === undefined ? {} : { acr }),
    ...(ageS === undefined ? {} : { age: ageS }),
  }
}

function entitiesOf({ principal, resource, action }: Question, seen: SeenArguments): EntityJson[] {
  const { type, id, subject, issuer, groups } = principal
  return [
    // Without the schema at hand, Cedar knows of actions what it is told here.
    {
      uid: { type: 'Action', id: action },
      attrs: {},
      parents: ALONE.includes(action) ? [] : [{ type: 'Action', id: 'use' }],
    },
    {
      uid: { type, id },
      attrs: { subject, ...(issuer === undefined ? {} : { issuer }) },
      parents: groups.map((group) => ({ type: 'Group', id: group })),
    },
    {
      uid: { type: resource.type, id: idOf(resource) },
      attrs: { server: resource.server, name: resource.name },
      parents: [{ type: 'Server', id: resource.server }],
    },
    ...tagged(seen),
  ]
}

/** What is no use of a thing. */
const ALONE: readonly string[] = ['list', 'approve']

function tagged(seen: SeenArguments): EntityJson[] {
  const decimal = Object.fromEntries(
    Object.entries(seen.decimal).map(([path, text]) => [path, extension('decimal', text)]),
  )
  const list = Object.fromEntries(Object.entries(seen.list).map(([path, all]) => [path, [...all]]))
  const tags = { text: seen.text, number: seen.number, decimal, flag: seen.flag, list }
  return (['text', 'number', 'decimal', 'flag', 'list'] as const)
    .filter((key) => Object.keys(tags[key]).length > 0)
    .map((key) => ({
      uid: { type: ARGUMENT_TYPES[key], id: ARGUMENTS_ID },
      attrs: {},
      parents: [],
      tags: { ...tags[key] },
    }))
}
