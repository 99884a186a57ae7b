import { own, textAt, type JsonObject } from '@countersign/contract'
import { objectAt, type About } from './about.ts'
import type { Event } from './event.ts'
import { CLASSES, classOf, type OcsfClass } from './ocsf-classes.ts'

/** The version of the Open Cybersecurity Schema Framework that is written: https://schema.ocsf.io/1.8.0 */
const OCSF_VERSION = '1.8.0'

interface Around {
  readonly id: string
  readonly origin: string
}

/** One event in OCSF JSON. What OCSF has no place for is in `unmapped`, as the entry says it. */
export function toOcsf(event: Event, about: About, around: Around): JsonObject {
  const one = classOf(event, about)
  const { category, uid, name } = CLASSES[one.is]
  const classUid = category * 1_000 + uid
  return {
    metadata: metadataOf(event, around),
    time: event.at,
    category_uid: category,
    class_uid: classUid,
    class_name: name,
    activity_id: one.activity,
    type_uid: classUid * 100 + one.activity,
    ...severityOf(event),
    ...(one.is === 'finding' ? NEW : statusOf(event)),
    message: messageOf(event, about),
    ...partsOf(one.is, event, about, around),
    unmapped: { kind: event.kind, ...event.body },
  }
}

const metadataOf = ({ seq, kind, call }: Event, { id, origin }: Around): JsonObject => ({
  version: OCSF_VERSION,
  product: { name: 'Countersign', vendor_name: 'Countersign', uid: origin },
  uid: id,
  event_code: kind,
  log_name: origin,
  ...(seq === undefined ? {} : { sequence: seq }),
  // An opening, its closing and every answer about it belong together.
  ...(call === undefined ? {} : { correlation_uid: call }),
})

/** What each class demands beside what all have. */
function partsOf(is: OcsfClass, event: Event, about: About, { id }: Around): JsonObject {
  switch (is) {
    case 'call':
      return {
        actor: actorOf(about),
        api: {
          operation: [about.method, about.name].filter(Boolean).join(' ') || event.kind,
          service: { name: about.server ?? 'unknown' },
        },
        src_endpoint: sourceOf(about),
        ...durationOf(event),
        resources: [{ name: about.name ?? 'unknown', type: about.method ?? 'unknown' }],
      }
    case 'signIn':
      return { user: userOf(about, event), service: { name: 'countersign' }, actor: actorOf(about) }
    case 'finding':
      return {
        finding_info: { uid: id, title: event.kind, created_time: event.at },
        evidences: [{ actor: actorOf(about) }],
      }
    case 'entity':
      return {
        entity: { name: thingOf(event), type: event.kind.split('.', 1)[0] ?? '' },
        actor: actorOf(about),
      }
  }
}

/** OCSF wants an address, a name or an id: who asks over a pipe has no address. */
const sourceOf = ({ address, client, principal }: About): JsonObject =>
  address === undefined ? { name: client ?? principal ?? 'unknown' } : { ip: address }

function actorOf({ principal, client, token }: About): JsonObject {
  return {
    app_name: client ?? 'countersign',
    ...(principal === undefined ? {} : { user: { uid: principal, name: principal } }),
    ...(token === undefined ? {} : { session: { uid: token } }),
  }
}

function userOf({ principal }: About, { body }: Event): JsonObject {
  const uid = principal ?? (textAt(body, 'account') || textAt(body, 'subject') || 'unknown')
  return { uid, name: uid }
}

/** Of a change: what was changed, by the first name that its entry has for it. */
const thingOf = ({ body, kind }: Event): string =>
  THINGS.map((name) => textAt(body, name)).find((text) => text !== '') ?? kind
const THINGS = [
  'approval',
  'grant',
  'webhook',
  'brake',
  'task',
  'run',
  'account',
  'client',
  'server',
  'subject',
  'id',
]

function durationOf({ body }: Event): JsonObject {
  const ms = own(body, 'durationMs')
  return typeof ms === 'number' ? { duration: Math.max(0, Math.round(ms)) } : {}
}

const SUCCESS = { status_id: 1, status: 'Success' }
/** Of a finding the status says what was done about it. */
const NEW = { status_id: 1, status: 'New' }
const FAILURE = { status_id: 2, status: 'Failure' }

function statusOf({ kind, body }: Event): JsonObject {
  const outcome = textAt(body, 'outcome') || 'unknown'
  if (kind === 'call.closed') {
    const code = { status_code: textAt(body, 'reason') || outcome }
    if (outcome === 'answered' && own(body, 'isError') !== true) return { ...SUCCESS, ...code }
    if (FAILED.has(outcome) || outcome === 'answered') return { ...FAILURE, ...code }
    return { status_id: 99, status: outcome, ...code }
  }
  if (kind === 'call.opened') return { status_id: 99, status: 'opened' }
  return BAD.test(kind) ? FAILURE : SUCCESS
}
const FAILED: ReadonlySet<string> = new Set(['refused', 'failed', 'cancelled'])
/** Kinds of entries that say that something was not let be, or went wrong. */
const BAD = /\.(?:failed|refused|rejected|missing|dead|disabled|exceeded|denied)$/

/** 1 informational, 2 low, 3 medium, 4 high. */
function severityOf({ kind, body }: Event): JsonObject {
  if (HIGH.test(kind)) return { severity_id: 4, severity: 'High' }
  const outcome = textAt(body, 'outcome')
  if (outcome === 'unknown' || MEDIUM.test(kind)) return { severity_id: 3, severity: 'Medium' }
  if (outcome === 'refused' || BAD.test(kind)) return { severity_id: 2, severity: 'Low' }
  return { severity_id: 1, severity: 'Informational' }
}
const HIGH = /^(?:break-glass\.|brake\.pulled$|verification\.failed$|ledger\.|payloads\.lost$)/
const MEDIUM =
  /^(?:definitions\.changed|server\.changed|grant\.made|policy\.(?:changed|rejected)|revoked|keys\.rotated|redaction\.)/

function messageOf({ kind, body }: Event, { principal, server, name }: About): string {
  const by = principal === undefined ? '' : `by ${principal}`
  const outcome = textAt(body, 'outcome') || textAt(objectAt(body, 'decision'), 'kind')
  return [kind, server ?? '', name ?? '', by, outcome].filter((one) => one !== '').join(' ')
}
