import type { Principal, TokenPrincipal } from '#auth'
import type { About, Judged } from './decide.ts'
import type { Moment } from './moment.ts'
import type { Asker, Question } from './question.ts'

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
    moment: around.moment,
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
