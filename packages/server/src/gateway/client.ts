import {
  own,
  passesLevel,
  type JsonObject,
  type LogLevel,
  type RequestId,
  type RpcNotification,
  type RpcRequest,
} from '@countersign/contract'
import type { Client } from './asked.ts'

/** Where messages for a client go while one of its requests is open. */
export interface Channel {
  readonly send: (message: RpcNotification | RpcRequest) => void
  /** Lets go of the connection; a client that can resume comes back after `retryMs` (H-066). */
  readonly pause?: (retryMs: number) => void
}

/** The part of a client that only listens: progress under its own token, log messages it asked for. */
export type Voice = Pick<Client, 'progress' | 'log' | 'wantsProgress' | 'logLevel'>

export function voice(
  channel: Channel,
  token: RequestId | undefined,
  logLevel: () => LogLevel | undefined,
): Voice {
  let last = Number.NEGATIVE_INFINITY
  return {
    wantsProgress: token !== undefined,
    logLevel: logLevel(),
    progress: (params) => {
      const progress = own(params, 'progress')
      // P-001: strictly increasing, also over the rounds of a conversation.
      if (token === undefined || typeof progress !== 'number' || progress <= last) return
      last = progress
      channel.send(notification('notifications/progress', { ...params, progressToken: token }))
    },
    log: (params) => {
      const threshold = logLevel()
      // P-021: without a level asked for, nothing at all.
      if (threshold === undefined || !passesLevel(own(params, 'level'), threshold)) return
      channel.send(notification('notifications/message', params))
    },
  }
}

export const notification = (method: string, params: JsonObject): RpcNotification => ({
  jsonrpc: '2.0',
  method,
  params,
})

/** How a client calls itself, shortened for the ledger. Never a reason to trust it (V-048). */
export function labelOf(clientInfo: JsonObject | undefined): string {
  if (!clientInfo) return 'unknown'
  const text = (key: string): string => {
    const value = own(clientInfo, key)
    return typeof value === 'string' ? value.slice(0, LABEL_PART_CHARS) : ''
  }
  return `${text('name')} ${text('version')}`.trim() || 'unknown'
}
const LABEL_PART_CHARS = 60
