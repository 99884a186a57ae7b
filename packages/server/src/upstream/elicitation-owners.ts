import {
  isObject,
  own,
  RPC,
  type InputRequest,
  type JsonObject,
  type RpcError,
} from '@countersign/contract'
import type { Exchange } from './upstream.ts'

const REMEMBERED_MAX = 256

/**
 * Who is to be told that a URL elicitation is over: the client that was sent there, also after its
 * call has ended, and nobody else (I-045).
 */
export class ElicitationOwners {
  readonly #owners = new Map<string, Exchange['elicitationComplete']>()

  /** The server asked, within a call, that somebody visit a page. */
  asked({ params }: InputRequest, exchange: Exchange): void {
    this.#remember(params, exchange)
  }

  /** The server refused a call until pages have been visited (I-046). */
  required(error: RpcError, exchange: Exchange): void {
    if (error.code !== RPC.urlElicitationRequired || !isObject(error.data)) return
    const elicitations = own(error.data, 'elicitations')
    if (!Array.isArray(elicitations)) return
    for (const one of elicitations.slice(0, 16)) if (isObject(one)) this.#remember(one, exchange)
  }

  /** Unknown ids are ignored. */
  complete(params: JsonObject | undefined): void {
    const id = params && own(params, 'elicitationId')
    if (typeof id === 'string') this.#owners.get(id)?.(id)
  }

  #remember(elicitation: JsonObject | undefined, exchange: Exchange): void {
    const id = elicitation && own(elicitation, 'elicitationId')
    if (typeof id !== 'string' || id.length > 1_024) return
    this.#owners.delete(id)
    this.#owners.set(id, exchange.elicitationComplete)
    const [oldest] = this.#owners.keys()
    if (this.#owners.size > REMEMBERED_MAX && oldest !== undefined) this.#owners.delete(oldest)
  }
}
