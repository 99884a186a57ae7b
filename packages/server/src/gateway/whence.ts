import { isObject, own, type JsonObject } from '@countersign/contract'
import { readTrace, type TraceContext } from '#telemetry'
import type { Whence } from './asked.ts'
import { headerAt, type Headers } from './read.ts'

/** What carries a request knows of where it comes from; nothing over stdio. */
export interface From {
  /** The network address of the client, as far as we can know it. */
  readonly address?: string | undefined
  readonly headers?: Headers | undefined
}

const NOWHERE: Whence = {}

/** Where a request comes from. What its `_meta` says of the trace counts before its headers. */
export function whenceOf(params: JsonObject | undefined, from: From | undefined): Whence {
  const meta = params && own(params, '_meta')
  const said = isObject(meta) ? readTrace((key) => own(meta, key)) : undefined
  const trace = said ?? headerTrace(from?.headers)
  const address = from?.address
  return trace === undefined && address === undefined ? NOWHERE : { address, trace }
}

const headerTrace = (headers: Headers | undefined): TraceContext | undefined =>
  headers?.['traceparent'] === undefined ? undefined : readTrace((key) => headerAt(headers, key))
