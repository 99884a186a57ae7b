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
  /** True when nobody reads any more, and nobody said so. */
  readonly isGone?: () => boolean
}

/** The part of a client that only listens: progress under its own token, log messages it asked for. */
export interface Voice extends Pick<Client, 'progress' | 'log' | 'wantsProgress' | 'logLevel'> {
  /** Says that the call still runs, if nothing else was said since the last time. */
  readonly beat?: (message: string) => void
}

export function voice(
  channel: Channel,
  token: RequestId | undefined,
  logLevel: () => LogLevel | undefined,
): Voice {
  let last = Number.NEGATIVE_INFINITY
  let isQuiet = true
  const send = (progress: number, params: JsonObject): void => {
    last = progress
    channel.send(notification('notifications/progress', { ...params, progressToken: token }))
  }
  const beat = (message: string): void => {
    // So little that whatever the server counts comes after it.
    if (isQuiet) {
      const progress = Math.max(0, last) + BEAT
      send(progress, { progress, message })
    }
    isQuiet = true
  }
  return {
    ...(token === undefined ? {} : { beat }),
    wantsProgress: token !== undefined,
    logLevel: logLevel(),
    progress: (params) => {
      const progress = own(params, 'progress')
      // P-001: strictly increasing, also over the rounds of a conversation.
      if (token === undefined || typeof progress !== 'number' || progress <= last) return
      isQuiet = false
      send(progress, params)
    },
    log: (params) => {
      const threshold = logLevel()
      // P-021: without a level asked for, nothing at all.
      if (threshold === undefined || !passesLevel(own(params, 'level'), threshold)) return
      channel.send(notification('notifications/message', params))
    },
  }
}

const BEAT = 0.001

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
