import type { Effect } from '@countersign/contract'
import type { Principal, TokenPrincipal } from '#auth'
import type { About, Judged } from './decide.ts'
import type { Moment } from './moment.ts'
import type { Asker, Question, Strength } from './question.ts'

/** The groups of a principal, by its id. */
export type GroupsOf = (id: string) => readonly string[]

export function groupsFrom(groups: Readonly<Record<string, readonly string[]>>): GroupsOf {
  const byMember = new Map<string, string[]>()
  for (const [group, members] of Object.entries(groups)) {
    for (const id of members) byMember.set(id, [...(byMember.get(id) ?? []), group])
  }
  return (id) => byMember.get(id) ?? []
}

/** One call or one line of a list, as the question it is to the policies. */
export function questionOf(
  who: Principal,
  judged: Judged,
  about: About,
  around: { readonly groupsOf: GroupsOf; readonly moment: Moment },
): Question {
  const isLocal = who.proof === 'local'
  const thing = THINGS[judged.kind]
  return {
    ...about,
    principal: askerOf(who, around.groupsOf(who.id)),
    action: thing.action,
    resource: { type: thing.type, server: judged.server, name: judged.name },
    effect: judged.effect,
    digest: judged.digest,
    scopes: isLocal ? [] : who.scopes,
    agents: isLocal ? [] : agentsOf(who),
    delegation: isLocal ? 0 : who.actors.length,
    proof: who.proof,
    signIn: isLocal ? undefined : strengthOf(who, around.moment),
    moment: around.moment,
  }
}

/** PO-069: what a token says, at this moment. */
function strengthOf({ signIn }: TokenPrincipal, moment: Moment): Strength | undefined {
  if (!signIn) return undefined
  const { acr, amr, at } = signIn
  const ageMs = at === undefined ? Number.NaN : Date.parse(moment.at) - at
  // A clock may be a little ahead of ours; nobody has signed in tomorrow.
  return { acr, amr, ageS: ageMs >= -AHEAD_MS ? Math.floor(Math.max(0, ageMs) / 1_000) : undefined }
}
const AHEAD_MS = 60_000

/** Somebody who is about to decide, as the question whether they may: known by their id alone. */
export function approverQuestion(
  id: string,
  call: {
    readonly server: string
    readonly tool: string
    readonly effect: Effect
    readonly definition: string
    readonly view: string
  },
  { groupsOf, moment }: { readonly groupsOf: GroupsOf; readonly moment: Moment },
): Question {
  const at = id.lastIndexOf('#')
  // PV-006: policies know a subject as its issuer wrote it, and not as it stands in an id.
  const named =
    at < 0 ? { subject: id } : { subject: subjectIn(id.slice(at + 1)), issuer: id.slice(0, at) }
  return {
    principal: { type: 'User', id, ...named, groups: groupsOf(id) },
    action: 'approve',
    resource: { type: 'Tool', server: call.server, name: call.tool },
    effect: call.effect,
    digest: call.definition,
    view: call.view,
    scopes: [],
    agents: [],
    delegation: 0,
    proof: 'none',
    moment,
  }
}

function subjectIn(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

const THINGS = {
  tool: { type: 'Tool', action: 'call' },
  prompt: { type: 'Prompt', action: 'prompt' },
  resource: { type: 'Resource', action: 'read' },
  template: { type: 'Resource', action: 'read' },
} as const

function askerOf(who: Principal, groups: readonly string[]): Asker {
  if (who.proof === 'local') return { type: 'User', id: who.id, subject: who.id, groups }
  const { id, subject, issuer, client } = who
  // A token that its client got for itself (RFC 6749 §4.4) names the client as its subject.
  const isWorkload = who.isWorkload === true || client === subject
  return { type: isWorkload ? 'Workload' : 'User', id, subject, issuer, groups }
}

/** Every program between the subject and us, each by the name that policies know it by. */
function agentsOf({ client, actors, issuer }: TokenPrincipal): readonly string[] {
  const acting = actors.map(
    (actor) => `${actor.issuer ?? issuer}#${encodeURIComponent(actor.subject)}`,
  )
  return [...new Set([...(client === undefined ? [] : [client]), ...acting])]
}
