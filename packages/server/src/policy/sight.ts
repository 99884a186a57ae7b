import type { Expr, PolicyJson } from './cedar.ts'

/** What a policy can see of a question: all that its answer can depend on, beside its own text. */
export interface Sight {
  /** Paths below `context`, such as `time.hour`; the empty path is all of it. */
  readonly facts: ReadonlySet<string>
  readonly seesPrincipal: boolean
  /** Whether its conditions look at the resource. What its scope says is settled by the slice. */
  readonly seesResource: boolean
}

const OPERANDS = ['left', 'right', 'arg', 'if', 'then', 'else', 'in'] as const
const EVERYTHING = ''

export function sightOf({ principal, conditions }: PolicyJson): Sight {
  const vars = new Set<string>()
  const facts = new Set<string>()
  for (const { body } of conditions) look(body, vars, facts)
  return {
    facts,
    seesPrincipal: principal.op !== 'All' || vars.has('principal'),
    seesResource: vars.has('resource'),
  }
}

/** The facts that one expression looks at. */
export function factsIn(expression: Expr): ReadonlySet<string> {
  const facts = new Set<string>()
  look(expression, new Set(), facts)
  return facts
}

function look(expression: unknown, vars: Set<string>, facts: Set<string>): void {
  if (!isObject(expression)) return
  const path = pathOf(expression)
  if (path !== undefined) {
    const [variable = '', ...attributes] = path
    vars.add(variable)
    if (variable === 'context') facts.add(attributes.join('.'))
    return
  }
  const parts = partsOf(expression)
  if (!parts) facts.add(EVERYTHING) // Nothing we know: it may see anything.
  for (const part of parts ?? []) look(part, vars, facts)
}

/** The expressions below one; undefined for what is none of Cedar's. */
function partsOf(expression: Readonly<Record<string, unknown>>): readonly unknown[] | undefined {
  const [entry] = Object.entries(expression)
  if (!entry) return undefined
  const [operator, body] = entry
  if (operator === 'Value' || operator === 'Slot') return []
  if (Array.isArray(body)) return body
  if (!isObject(body)) return undefined
  if (operator === 'Record') return Object.values(body)
  return OPERANDS.flatMap((name) => (name in body ? [body[name]] : []))
}

/** `context.time.hour` and `context.time has hour` as `['context', 'time', 'hour']`. */
function pathOf(expression: unknown): readonly string[] | undefined {
  if (!isObject(expression)) return undefined
  const { Var: variable, '.': access, has } = expression
  if (typeof variable === 'string') return [variable]
  const step = isObject(access) ? access : isObject(has) ? has : undefined
  if (!step) return undefined
  const before = pathOf(step['left'])
  return before && [...before, ...[step['attr']].flat().map(String)]
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether any of these facts is, or is part of, or holds one that only a call has. */
export const isOfCall = (facts: ReadonlySet<string>): boolean =>
  [...facts].some((path) => path === EVERYTHING || CALL_ONLY.test(path))
const CALL_ONLY = /^(?:arguments|argumentsDigest|run|recent|found)(?:\.|$)/

/** Whether the ledger keeps nothing of what these depend on, beside arguments. */
export const isOfMoment = (facts: ReadonlySet<string>): boolean =>
  [...facts].some((path) => path === EVERYTHING || UNRECORDED.test(path))
const UNRECORDED = /^(?:network|authentication$|authentication\.(?!proof))/

/** Whether the arguments themselves have to be shown to whoever looks at these. */
export const isOfArguments = (facts: ReadonlySet<string>): boolean =>
  [...facts].some((path) => path === EVERYTHING || /^arguments(?:\.|$)/.test(path))
