import type { About } from './about.ts'
import type { Event } from './event.ts'

/** The classes of OCSF 1.8.0 that events are told as; `uid` within the category. */
export const CLASSES = {
  /** https://schema.ocsf.io/1.8.0/classes/api_activity */
  call: { category: 6, uid: 3, name: 'API Activity' },
  /** https://schema.ocsf.io/1.8.0/classes/authentication */
  signIn: { category: 3, uid: 2, name: 'Authentication' },
  /** https://schema.ocsf.io/1.8.0/classes/entity_management */
  entity: { category: 3, uid: 4, name: 'Entity Management' },
  /** https://schema.ocsf.io/1.8.0/classes/detection_finding */
  finding: { category: 2, uid: 4, name: 'Detection Finding' },
} as const

export type OcsfClass = keyof typeof CLASSES

interface Classed {
  readonly is: OcsfClass
  readonly activity: number
}

/** `activity_id` of API Activity. */
const API = { create: 1, read: 2, update: 3, delete: 4, other: 99 } as const
/** `activity_id` of Authentication: a token is a service ticket to whoever asked for it. */
const LOGIN = { logon: 1, ticket: 4 } as const
/** `activity_id` of Entity Management. */
const CHANGE = { create: 1, update: 3, delete: 4, enroll: 6, enable: 8, disable: 9 } as const

/** Effect classes as OCSF sees them: what may destroy may delete, and nobody knows better. */
const ACTIVITIES: Readonly<Record<string, number>> = {
  read: API.read,
  idempotent: API.update,
  write: API.update,
  destructive: API.delete,
}

const SIGN_INS = /^(?:sign-in|sign-out|consent|token\.|scope\.missing)/
const FINDINGS =
  /^(?:definitions\.changed|server\.changed|brake\.pulled|break-glass\.|verification\.|redaction\.|decision\.refused|webhook\.(?:dead|disabled))/

/** What a kind ends with, and what that does to the thing it is about. */
const ENDINGS: readonly (readonly [RegExp, number])[] = [
  [/\.(?:asked|added|made|pulled|issued|created|opened)$/, CHANGE.create],
  [/\.(?:removed|ended|released|erased|dropped|forgotten)$/, CHANGE.delete],
  [/\.enrolled$/, CHANGE.enroll],
  [/\.enabled$/, CHANGE.enable],
  [/(?:\.disabled|revoked)$/, CHANGE.disable],
]

export function classOf({ kind }: Event, { effect }: About): Classed {
  if (kind.startsWith('call.')) {
    return { is: 'call', activity: ACTIVITIES[effect ?? ''] ?? API.other }
  }
  if (SIGN_INS.test(kind)) {
    return { is: 'signIn', activity: kind.startsWith('sign-in') ? LOGIN.logon : LOGIN.ticket }
  }
  if (FINDINGS.test(kind)) return { is: 'finding', activity: CHANGE.create }
  const found = ENDINGS.find(([ending]) => ending.test(kind))
  return { is: 'entity', activity: found?.[1] ?? CHANGE.update }
}
