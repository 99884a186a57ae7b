import { Fault } from '@countersign/contract'
import { newId, type World } from '#base'
import type { Conversation } from './conversation.ts'

/** A conversation that outlives the request that began it. */
export interface Parked<Outcome, Listener> {
  readonly id: string
  readonly conversation: Conversation<Outcome, Listener>
  readonly abort: AbortController
}

export interface Parking<Outcome, Listener> {
  /** Keeps a conversation until it is fetched, over, or expired. */
  readonly park: (
    owner: string,
    conversation: Conversation<Outcome, Listener>,
    abort: AbortController,
  ) => Parked<Outcome, Listener>
  readonly find: (owner: string, id: string) => Parked<Outcome, Listener> | undefined
  readonly count: () => number
  readonly close: () => void
}

/** Parked calls hold sockets and processes of the server: each caller gets so many (BR-041). */
const PARKED_PER_OWNER_MAX = 64
/** A finished conversation is kept this long, for a client whose answer got lost (BR-035). */
const DONE_MAX = 1_024
const KEEP_DONE_MS = 5 * 60_000

/** Calls that wait for answers, in memory of this process: a live call cannot be written down. */
export function makeParking<Outcome, Listener>(
  world: World,
  expireMs: number,
): Parking<Outcome, Listener> {
  const parked = new Map<string, Parked<Outcome, Listener> & { readonly owner: string }>()
  const over = new Set<string>()
  const forget = (id: string, abort: AbortController): void => {
    over.delete(id)
    if (parked.delete(id)) abort.abort()
  }
  return {
    park: (owner, conversation, abort) => {
      const own = [...parked.values()].filter((one) => one.owner === owner && !over.has(one.id))
      if (own.length >= PARKED_PER_OWNER_MAX) {
        abort.abort()
        throw new Fault(
          'http/busy',
          `${String(PARKED_PER_OWNER_MAX)} calls wait for answers already. Answer or abandon some first.`,
        )
      }
      const one = { id: newId(world, 'park'), owner, conversation, abort }
      parked.set(one.id, one)
      // BR-037: nobody returns; the server is told, and the outcome is recorded.
      const cancel = world.after(expireMs, () => {
        forget(one.id, abort)
      })
      abort.signal.addEventListener('abort', cancel, { once: true })
      const retire = async (): Promise<void> => {
        await conversation.finished()
        cancel()
        over.add(one.id)
        // The oldest finished ones make room, so that a busy caller cannot fill the memory.
        for (const old of over) {
          if (over.size <= DONE_MAX) break
          const { abort: done } = parked.get(old) ?? {}
          if (done) forget(old, done)
          else over.delete(old)
        }
        world.after(KEEP_DONE_MS, () => {
          forget(one.id, abort)
        })
      }
      void retire()
      return one
    },
    find: (owner, id) => {
      const found = parked.get(id)
      return found?.owner === owner ? found : undefined
    },
    count: () => parked.size,
    close: () => {
      for (const { id, abort } of parked.values()) forget(id, abort)
    },
  }
}
