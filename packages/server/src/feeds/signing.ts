import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import type { Secret } from '#base'

/** The headers of Standard Webhooks 1.0. */
export const WEBHOOK_HEADERS = {
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
} as const

const PREFIX = 'whsec_'
const KEY_BYTES = { min: 24, max: 64 }
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** `whsec_` and the base64 of 24 to 64 bytes (Standard Webhooks, Signature scheme). */
export function isWebhookSecret(text: string): boolean {
  const key = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : ''
  const { length } = Buffer.from(key, 'base64')
  return BASE64.test(key) && length >= KEY_BYTES.min && length <= KEY_BYTES.max
}

interface Message {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly body: string
}

/** The headers of one attempt, signed with each secret: a receiver needs to know one of them. */
export const signedHeaders = (
  secrets: readonly Secret[],
  { id, at, body }: Message,
): Readonly<Record<string, string>> => ({
  [WEBHOOK_HEADERS.id]: id,
  [WEBHOOK_HEADERS.timestamp]: String(Math.floor(at / 1_000)),
  [WEBHOOK_HEADERS.signature]: secrets
    .map((secret) => new Webhook(secret.reveal()).sign(id, new Date(at), body))
    .join(' '),
})

/** Whether one of the secrets signed exactly this, within five minutes of now. */
export function isSigned(
  secrets: readonly Secret[],
  body: string,
  headers: Readonly<Record<string, string>>,
): boolean {
  return secrets.some((secret) => {
    try {
      new Webhook(secret.reveal()).verify(body, { ...headers }, { jsonParse: false })
      return true
    } catch (thrown) {
      if (thrown instanceof WebhookVerificationError) return false
      throw thrown
    }
  })
}
