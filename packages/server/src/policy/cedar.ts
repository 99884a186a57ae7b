/** Cedar itself: loaded when there are policies, because it is four megabytes. */
import type * as Module from '@cedar-policy/cedar-wasm/nodejs'

export type Cedar = typeof Module
export type { DetailedError, EntityJson, Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'

export const loadCedar = (): Promise<Cedar> => import('@cedar-policy/cedar-wasm/nodejs')
