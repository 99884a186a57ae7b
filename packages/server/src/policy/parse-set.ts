import { checkAnnotations } from './annotations.ts'
import type { Cedar, DetailedError, PolicyJson } from './cedar.ts'
import { charAt, placeOf, type PolicyMistake } from './mistake.ts'
import { NOT_JUDGED, POLICY_SCHEMA } from './schema.ts'
import { splitPolicies } from './split.ts'

/** A file of policies, by its name in their folder. */
export interface PolicyFile {
  readonly name: string
  readonly text: string
}

/** One policy, checked. */
export interface Written {
  readonly id: string
  readonly file: string
  readonly at: number
  readonly text: string
  readonly json: PolicyJson
}

/** Every policy of a folder, and all that is wrong with them. */
export interface Parsed {
  readonly policies: readonly Written[]
  readonly mistakes: readonly PolicyMistake[]
  /** What is allowed and does not do what it seems to. */
  readonly remarks: readonly PolicyMistake[]
}

/** More policies than anybody oversees; each costs time in every decision that it may touch. */
const POLICIES_MAX = 10_000

/** Reads everything before it complains, so that all mistakes are said at once. */
export function parseSet(cedar: Cedar, files: readonly PolicyFile[]): Parsed {
  const mistakes: PolicyMistake[] = []
  const policies: Written[] = []
  for (const file of files) {
    for (const { at, text, excess } of splitPolicies(file.text)) {
      const place = { file: file.name, ...placeOf(file.text, at) }
      if (excess !== undefined) {
        mistakes.push({ ...place, problem: excess, remedy: 'say it with less' })
        continue
      }
      const read = cedar.policyToJson(text)
      if (read.type === 'failure') {
        mistakes.push(...read.errors.map((error) => mistakeAt(file, { at, text }, error)))
        continue
      }
      const wrong = checkAnnotations(read.json)
      mistakes.push(...wrong.map((one) => ({ ...place, ...one })))
      const id = read.json.annotations?.['id']
      if (id !== undefined && wrong.length === 0) {
        policies.push({ id, file: file.name, at, text, json: read.json })
      }
    }
  }
  if (policies.length > POLICIES_MAX) {
    const [first] = files
    const problem = `more than ${String(POLICIES_MAX)} policies`
    mistakes.push({ file: first?.name ?? '', line: 1, column: 1, problem })
    return { policies: [], mistakes, remarks: [] }
  }
  const { known, repeated } = unique(policies, files)
  const checked = validated(cedar, [...known.values()], files)
  return {
    policies: [...known.values()],
    mistakes: [...mistakes, ...repeated, ...checked.mistakes].toSorted(byPlace),
    remarks: [...checked.remarks, ...unjudged([...known.values()], files)].toSorted(byPlace),
  }
}

const byPlace = (a: PolicyMistake, b: PolicyMistake): number =>
  a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1

function unique(policies: readonly Written[], files: readonly PolicyFile[]) {
  const known = new Map<string, Written>()
  const repeated: PolicyMistake[] = []
  for (const policy of policies) {
    const first = known.get(policy.id)
    if (!first) known.set(policy.id, policy)
    else {
      const { line } = placeIn(files, first)
      const problem = `there is a policy of this id in ${first.file}:${String(line)}`
      const remedy = 'give it an id of its own'
      repeated.push({ ...placeIn(files, policy), policy: policy.id, problem, remedy })
    }
  }
  return { known, repeated }
}

function placeIn(files: readonly PolicyFile[], { file, at }: Pick<Written, 'file' | 'at'>) {
  const source = files.find(({ name }) => name === file)
  return { file, ...placeOf(source?.text ?? '', at) }
}

/** Types and names, held against the schema. */
function validated(
  cedar: Cedar,
  policies: readonly Written[],
  files: readonly PolicyFile[],
): Pick<Parsed, 'mistakes' | 'remarks'> {
  const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]))
  const answer = cedar.validate({ schema: POLICY_SCHEMA, policies: { staticPolicies } })
  if (answer.type === 'failure') {
    const [first] = answer.errors
    throw new Error(`policies that were parsed cannot be checked: ${first?.message ?? ''}`)
  }
  const byId = new Map(policies.map((policy) => [policy.id, policy]))
  const said = (list: typeof answer.validationErrors): readonly PolicyMistake[] =>
    list.flatMap(({ policyId, error }) => {
      const policy = byId.get(policyId)
      const file = policy && files.find(({ name }) => name === policy.file)
      if (!policy || !file) return []
      return [{ policy: policyId, ...mistakeAt(file, policy, error) }]
    })
  const mistakes = once(said(answer.validationErrors))
  const broken = new Set(mistakes.map(({ policy }) => policy))
  const remarks = once(said(answer.validationWarnings)).filter(({ policy }) => !broken.has(policy))
  return { mistakes, remarks }
}

/** Cedar tells one mistake for each kind of principal and resource that it concerns. */
const once = (list: readonly PolicyMistake[]): readonly PolicyMistake[] => [
  ...new Map(
    list
      .toSorted((a, b) => (a.problem < b.problem ? 1 : -1))
      .map((one) => [`${one.file}:${String(one.line)}:${String(one.column)}`, one]),
  ).values(),
]

function mistakeAt(
  file: PolicyFile,
  policy: { readonly at: number; readonly text: string },
  { message, help, sourceLocations }: DetailedError,
): PolicyMistake {
  const [where] = sourceLocations ?? []
  const at = policy.at + (where ? charAt(policy.text, where.start) : 0)
  const label = where?.label ?? undefined
  const remedy = help ?? label
  return {
    file: file.name,
    ...placeOf(file.text, at),
    problem: message.replace(
      /^for policy `[^`]*`, |^failed to parse policy(?: with id `[^`]*`)? from string: /,
      '',
    ),
    ...(remedy === undefined ? {} : { remedy }),
  }
}

function unjudged(
  policies: readonly Written[],
  files: readonly PolicyFile[],
): readonly PolicyMistake[] {
  return policies.flatMap((policy) => {
    const names = actionsOf(policy.json)
    if (names.length === 0 || !names.every((name) => NOT_JUDGED.includes(name))) return []
    const problem = `nothing asks about ${names.join(', ')} yet: it has no effect`
    return [{ ...placeIn(files, policy), policy: policy.id, problem }]
  })
}

/** The actions a policy names; none for all of them. */
export function actionsOf({ action }: PolicyJson): readonly string[] {
  if (action.op === 'All') return []
  if ('entity' in action) return [uidOf(action.entity).id]
  if ('entities' in action) return action.entities.map((one) => uidOf(one).id)
  return []
}

type Uid = { readonly type: string; readonly id: string }
export const uidOf = (uid: Uid | { readonly __entity: Uid }): Uid =>
  '__entity' in uid ? uid.__entity : uid
