import { textAt } from '@countersign/contract'
import type { About } from './about.ts'
import type { Event } from './event.ts'

/** Which events somebody wants. What is not said is wanted all. */
export interface Filter {
  /** `approval.asked`, or all that begin alike: `approval.*`. */
  readonly kinds?: readonly string[] | undefined
  readonly server?: string | undefined
  readonly principal?: string | undefined
  /** A call and its rounds. */
  readonly call?: string | undefined
  readonly task?: string | undefined
}

const KIND = /^[a-z][a-z0-9-]{0,40}(?:\.[a-z][a-z0-9-]{0,40}){0,4}(?:\.\*)?$/
export const isKindPattern = (text: string): boolean => KIND.test(text)

/** Told from the event alone, so that most of what nobody wants costs no further look. */
export const isKind = ({ kinds }: Filter, kind: string): boolean =>
  kinds === undefined ||
  kinds.some((one) => (one.endsWith('.*') ? kind.startsWith(one.slice(0, -1)) : one === kind))

/** `ofTask` is the call that the task carries out, where that is known. */
export function isWanted(filter: Filter, event: Event, about: About, ofTask?: string): boolean {
  const { server, principal, call, task } = filter
  return (
    isKind(filter, event.kind) &&
    (server === undefined || about.server === server) &&
    (principal === undefined || about.principal === principal) &&
    (call === undefined || isOfCall(event, call)) &&
    (task === undefined || isOfTask(event, task, ofTask))
  )
}

/** Later rounds of a call are named after the first: `{call}.{number}-…`. */
const isOfCall = ({ call }: Event, wanted: string): boolean =>
  call !== undefined && (call === wanted || call.startsWith(`${wanted}.`))

const isOfTask = (event: Event, task: string, call: string | undefined): boolean =>
  textAt(event.body, 'task') === task || (call !== undefined && isOfCall(event, call))
