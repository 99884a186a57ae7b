import { canonical, Fault, type Json } from '@countersign/contract'
import { digestOf } from '#base'

/** The digest of what a client sent. A number such as 1e999 is JSON text without a JSON value. */
export function digestOfParams(params: Json): string {
  try {
    return digestOf(canonical(params))
  } catch (cause) {
    throw new Fault('rpc/bad-params', 'A number in the parameters is out of range.', { cause })
  }
}
