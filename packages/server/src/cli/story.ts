import { isObject, textAt, type Admin } from '@countersign/contract'

type Custody = Awaited<ReturnType<Admin['getCustody']>>

/** The custody of a call, in lines for a person. */
export function storyOf(custody: Custody): readonly string[] {
  const { call, server, name, method, effect, definition, run, ledger } = custody
  return [
    `${call}: ${method} ${name} of ${server} (${effect})`,
    `  by          ${custody.principal}, with ${custody.client}${custody.view === '' ? '' : `, through the view ${custody.view}`}`,
    ...authorityIn(custody),
    ...(run === undefined ? [] : [`  run         ${run}`]),
    ...(definition === undefined ? [] : [`  definition  ${definition}`]),
    ...custody.rounds.flatMap(roundIn),
    ...custody.approvals.flatMap(approvalIn),
    ...custody.following.map(
      ({ at, call: by, why, tool, outcome }) =>
        `  ${when(at)}  ${why === 'undo' ? 'taken back' : 'looked after'} by ${by}${tool === undefined ? '' : ` (${tool})`}: ${outcome ?? 'no outcome is known'}`,
    ),
    ...custody.events.map(({ at, kind, body }) => `  ${when(at)}  ${kind}  ${factsIn(body)}`),
    ...taskIn(custody),
    ...payloadsIn(custody),
    `  ledger      ${ledger.origin}, entries ${ledger.entries.join(', ')}${ledger.isSigned ? '' : ', not signed yet'}`,
  ]
}

const when = (at: number): string => new Date(at).toISOString()

function authorityIn({ authority }: Custody): readonly string[] {
  if (!authority) return ['  under       nothing: local mode']
  const { scopes, actors } = authority
  const words = (Array.isArray(scopes) ? scopes : []).map(String).join(' ')
  const acting = (Array.isArray(actors) ? actors : []).map((one) =>
    isObject(one) ? textAt(one, 'subject') : '',
  )
  return [
    `  under       token ${textAt(authority, 'token')} (${textAt(authority, 'proof')}), scopes ${words === '' ? 'none' : words}`,
    ...(acting.length === 0 ? [] : [`  acting      ${acting.join(', for ')}`]),
  ]
}

const KEPT = { kept: ', kept', 'too-large': ', too large to keep', full: ', no room to keep it' }

function roundIn(round: Custody['rounds'][number]): readonly string[] {
  const { openedAt, decision, credential, result, argumentsKept, resultKept } = round
  const version = decision.version ? `, version ${String(decision.version.number)}` : ''
  const told = decision.told ? `, ${factsIn(decision.told)}` : ''
  return [
    `  ${when(openedAt)}  ${decision.kind} by ${decision.policies.join(', ')}${version}${told}; arguments ${round.arguments}${argumentsKept ? KEPT[argumentsKept] : ''}`,
    ...(credential === undefined ? [] : [`  called as   ${credential}`]),
    endIn(round),
    ...(result === undefined
      ? []
      : [`  result      ${result}${resultKept ? KEPT[resultKept] : ''}`]),
  ]
}

function endIn({ closedAt, outcome, reason, durationMs }: Custody['rounds'][number]): string {
  if (closedAt === undefined) return '  no outcome is known'
  const why = reason === undefined ? '' : ` (${reason})`
  const lasted = durationMs === undefined ? '' : `, ${String(durationMs)} ms`
  return `  ${when(closedAt)}  ${outcome ?? ''}${why}${lasted}`
}

function approvalIn(approval: Custody['approvals'][number]): readonly string[] {
  const { id, askedAt, asks, answers, state, why, usedBy } = approval
  const groups = asks.map((one) => textAt(one, 'group')).join(', ')
  return [
    `  ${when(askedAt)}  ${id} asked ${groups}`,
    ...answers.map(
      ({ at, by, verdict, means, reason }) =>
        `  ${when(at)}  ${verdict === 'approve' ? 'yes' : 'no'} by ${by} (${means})${reason === undefined ? '' : `: ${reason}`}`,
    ),
    ...(state === undefined
      ? []
      : [`  approval    ${state}${why === undefined ? '' : `: ${why}`}`]),
    ...(usedBy === undefined ? [] : [`  used by     ${usedBy}`]),
  ]
}

function taskIn({ task }: Custody): readonly string[] {
  if (!task) return []
  return [
    `  task        ${task.id}, ${task.state}`,
    ...task.calls.map(
      ({ what, name, state, tries, beganAt, error }) =>
        `    ${when(beganAt)}  ${what} ${name}: ${state}${tries > 1 ? ` after ${String(tries)} tries` : ''}${error === undefined ? '' : ` (${error})`}`,
    ),
    ...task.children.map(({ id, state }) => `    child     ${id}, ${state}`),
    ...(task.undoneBy ? [`    undone by ${task.undoneBy.id}, ${task.undoneBy.state}`] : []),
  ]
}

function payloadsIn({ payloads, rounds }: Custody): readonly string[] {
  if (!payloads) return []
  const wasKept = rounds.some((one) => one.argumentsKept === 'kept' || one.resultKept === 'kept')
  if (payloads.length > 0) return payloads.map(payloadIn)
  return [
    wasKept ? '  carried     gone: erased, or its time is over' : '  carried     was not kept',
  ]
}

const payloadIn = ({ part, text, until }: NonNullable<Custody['payloads']>[number]): string =>
  `  ${part.padEnd(11)} ${text ?? 'erased'}  (kept until ${when(until)})`

const factsIn = (body: Custody['events'][number]['body']): string =>
  Object.entries(body)
    .filter(([key]) => key !== 'call')
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
