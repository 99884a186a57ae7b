import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import type { Entry } from '#audit'
import type { Event } from './event.ts'

/** Whom and what an event is about, as far as it, or the opening of its call, says. */
export interface About {
  readonly principal?: string
  readonly client?: string
  readonly server?: string
  /** A tool, a prompt, a resource. */
  readonly name?: string
  readonly method?: string
  readonly effect?: string
  readonly address?: string
  readonly token?: string
}

/** A closing names neither who asked nor what: its opening does. */
export interface AboutBook {
  readonly of: (event: Event) => Promise<About>
}

/** Calls whose opening is at hand, so that a closing costs no look into the ledger. */
const KNOWN_MAX = 5_000

export function makeAboutBook(of: (call: string) => Promise<readonly Entry[]>): AboutBook {
  const known = new Map<string, About>()
  const remember = (call: string, about: About): About => {
    known.set(call, about)
    if (known.size > KNOWN_MAX) known.delete(known.keys().next().value ?? '')
    return about
  }
  const ofCall = async (call: string): Promise<About> => {
    const found = known.get(call)
    if (found) return found
    const entries = await of(call)
    const opening =
      entries.find((one) => one.kind === OPENED && one.call === call) ??
      entries.find(({ kind }) => kind === OPENED || kind === ASKED)
    return opening ? remember(call, said(opening.body)) : {}
  }
  return {
    of: async ({ kind, call, body }) => {
      if (call === undefined) return said(body)
      if (kind === OPENED) return remember(call, said(body))
      return { ...(await ofCall(call)), ...said(body) }
    },
  }
}

const OPENED = 'call.opened'
const ASKED = 'approval.asked'

/** What a body says of it, by the names that entries have for it. */
function said(body: JsonObject): About {
  const bound = objectAt(body, 'bound')
  const named = { ...namedIn(bound), ...namedIn(body) }
  const authority = objectAt(body, 'authority')
  const token = textAt(authority, 'token') || textAt(body, 'token')
  const tool = textAt(bound, 'tool')
  return {
    ...(tool === '' ? {} : { name: tool, method: 'tools/call' }),
    ...named,
    ...(token === '' ? {} : { token }),
  }
}

const NAMES = ['principal', 'client', 'server', 'name', 'method', 'effect', 'address'] as const

const namedIn = (body: JsonObject): About =>
  Object.fromEntries(
    NAMES.flatMap((name) => {
      const text = textAt(body, name)
      return text === '' ? [] : [[name, text]]
    }),
  )

export function objectAt(body: JsonObject, name: string): JsonObject {
  const value = own(body, name)
  return isObject(value) ? value : {}
}
