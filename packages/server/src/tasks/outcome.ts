import {
  Fault,
  FAULTS,
  isObject,
  own,
  textAt,
  type FaultCode,
  type InputRequest,
  type Json,
  type JsonObject,
  type RpcError,
} from '@countersign/contract'
import { asksJson, type Asking } from '#approvals'
import type { UpstreamTask } from '#upstream'

/** What came of a call, before any protocol revision has a say in how it looks. */
export type Outcome =
  | {
      readonly kind: 'answered'
      readonly result: JsonObject
      readonly server: string
      readonly receipt?: Receipt
    }
  | { readonly kind: 'errored'; readonly error: RpcError; readonly server: string }
  | {
      readonly kind: 'input'
      readonly inputRequests: Readonly<Record<string, InputRequest>>
      readonly requestState: string | undefined
      readonly server: string
    }
  /** The server goes on with it as a task of its own. */
  | { readonly kind: 'task'; readonly task: UpstreamTask; readonly server: string }
  /** Nothing was sent: somebody has to approve it first. */
  | AsksFirst
  | { readonly kind: 'refused'; readonly fault: Fault; readonly receipt?: Receipt }

/** Which entry stands for a call: only what has one can be proved. */
export type Receipt = {
  readonly call: string
  /** The number of the entry that opened it, from 1; absent while it is not on disk. */
  readonly entry?: number
  /** The leaf of that entry, in base64: what a proof begins with. */
  readonly leaf?: string
}

interface AsksFirst {
  readonly kind: 'asks'
  readonly asking: Asking
  /** What it is refused with where it cannot wait. */
  readonly because: string
}

/** The outcomes a call can end with: neither a question nor a promise. */
export type Ended = Exclude<Outcome, { readonly kind: 'input' | 'task' | 'asks' }>

/** What has to be approved first, as the journal has it between two attempts. */
export const asksRecord = ({ asks, message, bound }: Asking): JsonObject => ({
  kind: 'asks',
  asking: {
    asks: asksJson(asks),
    ...(message === undefined ? {} : { message }),
    bound: { ...bound, actors: [...bound.actors], policy: { ...bound.policy } },
  },
})

/** Reads what `asksRecord` wrote; undefined for the record of an outcome. */
export const askingIn = (record: JsonObject): Asking | undefined =>
  own(record, 'kind') === 'asks'
    ? // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Only the line above wrote it.
      (own(record, 'asking') as unknown as Asking)
    : undefined

/** An outcome as the journal has it: JSON, and nothing of a fault but what its caller may see. */
export function toRecord(outcome: Ended): JsonObject {
  if (outcome.kind === 'answered') {
    const { receipt, ...rest } = outcome
    return { ...rest, ...(receipt ? { receipt: { ...receipt } } : {}) }
  }
  if (outcome.kind === 'errored') return { ...outcome, error: { ...outcome.error } }
  const { code, message, data } = outcome.fault
  const { receipt } = outcome
  return {
    kind: 'refused',
    code,
    message,
    ...(data === undefined ? {} : { data }),
    ...(receipt ? { receipt: { ...receipt } } : {}),
  }
}

/** Reads what `toRecord` wrote, or what a person said had happened. */
export function fromRecord(record: Json | undefined): Ended {
  if (!isObject(record)) return strange()
  const server = textAt(record, 'server')
  const result = own(record, 'result')
  if (own(record, 'kind') === 'answered' && isObject(result)) {
    return { kind: 'answered', result, server, ...receiptIn(record) }
  }
  const error = own(record, 'error')
  if (own(record, 'kind') === 'errored' && isObject(error)) {
    const data = own(error, 'data')
    return {
      kind: 'errored',
      server,
      error: {
        code: Number(own(error, 'code')),
        message: textAt(error, 'message'),
        ...(data === undefined ? {} : { data }),
      },
    }
  }
  const code = textAt(record, 'code')
  if (!isFaultCode(code)) return strange()
  const data = own(record, 'data')
  return {
    kind: 'refused',
    fault: new Fault(code, textAt(record, 'message'), data === undefined ? {} : { data }),
    ...receiptIn(record),
  }
}

/** None in records of before, and of what a person said had happened. */
function receiptIn(record: JsonObject): { readonly receipt?: Receipt } {
  const said = own(record, 'receipt')
  if (!isObject(said)) return {}
  const [entry, leaf] = [own(said, 'entry'), own(said, 'leaf')]
  return {
    receipt: {
      call: textAt(said, 'call'),
      ...(typeof entry === 'number' ? { entry } : {}),
      ...(typeof leaf === 'string' ? { leaf } : {}),
    },
  }
}

const isFaultCode = (code: string): code is FaultCode => Object.hasOwn(FAULTS, code)

const strange = (): Ended => ({
  kind: 'refused',
  fault: new Fault('server/bug', 'What was recorded of this call cannot be read.'),
})
