import { isObject, own, textAt, type Admin, type JsonObject } from '@countersign/contract'
import type { Entry } from '#audit'

type Custody = Awaited<ReturnType<Admin['getCustody']>>
type Round = Custody['rounds'][number]

/** Each round of a call, from the two entries that it has. */
export function roundsIn(entries: readonly Entry[]): Round[] {
  const rounds: Round[] = []
  const opened: Round[] = []
  for (const { at, kind, call = '', body } of entries) {
    if (kind === 'call.opened') opened.push(openedAs(call, at, body))
    // A call that is tried again has the same id: its end is that of the last one begun.
    const place = opened.findLastIndex((one) => one.call === call)
    const round = opened[place]
    if (!round) continue
    if (kind === 'call.opened') rounds[place] = round
    // Of a node that only slept the last word counts, and nothing of what was said for it meanwhile.
    if (kind === 'call.closed') rounds[place] = { ...round, ...closedAs(at, body) }
  }
  return rounds
}

function openedAs(call: string, at: number, body: JsonObject): Round {
  const round = own(body, 'round')
  const kept = fateIn(body)
  return {
    call,
    round: typeof round === 'number' ? round : 1,
    openedAt: at,
    arguments: textAt(body, 'arguments'),
    ...(kept === undefined ? {} : { argumentsKept: kept }),
    decision: decisionIn(own(body, 'decision')),
  }
}

function decisionIn(said: unknown): Round['decision'] {
  const { kind, policies, version, ...told } = isObject(said) ? said : {}
  const number = isObject(version) ? own(version, 'number') : undefined
  return {
    kind: kind === 'ask' || kind === 'deny' ? kind : 'allow',
    policies: (Array.isArray(policies) ? policies : []).filter((one) => typeof one === 'string'),
    ...(isObject(version) && typeof number === 'number'
      ? { version: { number, digest: textAt(version, 'digest') } }
      : {}),
    ...(Object.keys(told).length === 0 ? {} : { told: plain(told) }),
  }
}

function closedAs(at: number, body: JsonObject): Partial<Round> {
  const said = (key: string): string | undefined => {
    const value = own(body, key)
    return typeof value === 'string' ? value : undefined
  }
  const [outcome, reason, credential, result] = ['outcome', 'reason', 'credential', 'result'].map(
    said,
  )
  const [isError, durationMs, kept] = [own(body, 'isError'), own(body, 'durationMs'), fateIn(body)]
  return {
    closedAt: at,
    ...(outcome === undefined ? {} : { outcome }),
    ...(reason === undefined ? {} : { reason }),
    ...(typeof isError === 'boolean' ? { isError } : {}),
    ...(typeof durationMs === 'number' ? { durationMs } : {}),
    ...(credential === undefined ? {} : { credential }),
    ...(result === undefined ? {} : { result }),
    ...(kept === undefined ? {} : { resultKept: kept }),
  }
}

function fateIn(body: JsonObject): Round['argumentsKept'] {
  const fate = own(body, 'payload')
  return fate === 'kept' || fate === 'too-large' || fate === 'full' ? fate : undefined
}

/** JSON as it is written: nothing of it is shared. */
export const plain = (value: JsonObject): Custody['events'][number]['body'] =>
  JSON.parse(JSON.stringify(value))
