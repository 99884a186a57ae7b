import { decodeHeaderValue, Fault, isObject, own, type JsonObject } from '@countersign/contract'
import type { Exposed, ParamHeader } from '#registry'
import { headerAt, type Headers } from './read.ts'
import { isScalar, valueAt } from './target.ts'

/**
 * Compares mirrored arguments with their headers. A value in the body without its header, or with
 * another one, is refused; a header without a value is ignored (F-023, F-024).
 */
export function checkParamHeaders(exposed: Exposed, params: JsonObject, headers: Headers): void {
  const args = own(params, 'arguments')
  for (const header of exposed.paramHeaders) {
    const value = isObject(args) ? valueAt(args, header.path) : undefined
    if (value === undefined || value === null) continue
    const raw = headerAt(headers, header.header.toLowerCase())
    const given = raw === undefined ? undefined : decodeHeaderValue(raw)
    if (given === undefined || !isScalar(value) || !isSame(header, given, value)) {
      throw new Fault(
        'rpc/header-mismatch',
        `${header.header} must equal the argument "${header.path.join('.')}".`,
      )
    }
  }
}

function isSame({ type }: ParamHeader, given: string, value: string | number | boolean): boolean {
  if (type !== 'integer' || typeof value !== 'number') return given === String(value)
  return given !== '' && Number(given) === value // 42 equals 42.0 (F-024).
}
