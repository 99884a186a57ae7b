import { Fault } from '@countersign/contract'
import { newId, type World } from '#base'
import type { Conversation } from './conversation.ts'

/** Something whose conversation outlives the request that began it. */
interface Talking {
  readonly conversation: Pick<Conversation<unknown>, 'abort' | 'isDeferred' | 'outcome'>
}

export interface Parked<Call extends Talking> {
  readonly id: string
  readonly call: Call
}

export interface Parking<Call extends Talking> {
  /** Keeps a conversation until it is fetched, over, or expired. */
  readonly park: (owner: string, call: Call) => Parked<Call>
  readonly find: (owner: string, id: string) => Parked<Call> | undefined
  readonly count: () => number
  readonly close: () => void
}

/** Parked calls hold sockets and processes of the server: each caller gets so many (BR-041). */
const PARKED_PER_OWNER_MAX = 64
/** A finished conversation is kept this long, for a client whose answer got lost (BR-035). */
const KEEP_DONE_MS = 5 * 60_000
/** Of all callers together; beyond it the oldest finished ones go early. */
const DONE_MAX = 1_024

/** Calls that wait for answers, in memory of this process: a live call cannot be written down. */
export function makeParking<Call extends Talking>(world: World, expireMs: number): Parking<Call> {
  const parked = new Map<string, Parked<Call> & { readonly owner: string }>()
  const over = new Set<string>()
  const forget = (id: string, { abort, isDeferred }: Talking['conversation']): void => {
    over.delete(id)
    // A call that became a task goes on without us.
    if (parked.delete(id) && !isDeferred) abort.abort()
  }
  return {
    park: (owner, call) => {
      const { conversation } = call
      const own = [...parked.values()].filter((one) => one.owner === owner && !over.has(one.id))
      // Whoever asks after the same call again is given the same place.
      const same = own.find((one) => one.call.conversation === conversation)
      if (same) return same
      if (own.length >= PARKED_PER_OWNER_MAX) {
        // A call that became a task goes on without us.
        if (!conversation.isDeferred) conversation.abort.abort()
        throw new Fault(
          'http/busy',
          `${String(PARKED_PER_OWNER_MAX)} calls wait for answers already. Answer or abandon some first.`,
        )
      }
      const one = { id: newId(world, 'park'), owner, call }
      parked.set(one.id, one)
      // BR-037: nobody returns; the server is told, and the outcome is recorded.
      const cancel = world.after(expireMs, () => {
        forget(one.id, conversation)
      })
      conversation.abort.signal.addEventListener('abort', cancel, { once: true })
      const retire = async (): Promise<void> => {
        await conversation.outcome
        cancel()
        over.add(one.id)
        // The oldest finished ones make room, so that a busy caller cannot fill the memory.
        for (const old of over) {
          if (over.size <= DONE_MAX) break
          const done = parked.get(old)
          if (done) forget(old, done.call.conversation)
          else over.delete(old)
        }
        world.after(KEEP_DONE_MS, () => {
          forget(one.id, conversation)
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
      for (const { id, call } of parked.values()) forget(id, call.conversation)
    },
  }
}
