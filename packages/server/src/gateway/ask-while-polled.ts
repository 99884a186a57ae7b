import { withRelated, type InputRequest } from '@countersign/contract'
import type { World } from '#base'
import type { Desk, Standing } from '#tasks'
import type { Channel } from './client.ts'
import { listenerOf } from './listen-live.ts'
import type { Session } from './session.ts'

/**
 * Some clients never open `tasks/result` for the questions of a task: they go on polling and expect
 * them on any stream (TL-015). One that has looked twice, and listens, is asked where it listens.
 */
export function askWhilePolled(
  { world, desk }: { readonly world: World; readonly desk: Desk },
  session: Session,
  { task: { id }, inputs }: Standing,
): void {
  if (Object.keys(inputs).length === 0 || session.taskStreams.has(id)) return
  if (session.listening?.isAttached !== true) return
  const looks = (session.openLooks.get(id) ?? 0) + 1
  session.openLooks.set(id, looks)
  const conversation = desk.conversation(id)
  if (looks !== LOOKS || !conversation) return
  const channel: Channel = {
    send: (message) => session.listening?.send(message),
    isGone: () => session.listening?.isAttached !== true,
  }
  const request = { jsonrpc: '2.0', id, method: 'tasks/get' } as const
  const { ask, isGone, takes } = listenerOf({ world }, { session, channel, request }, namedFor(id))
  if (!ask) return
  conversation.questions.attach(ask, isGone, takes)
  void conversation.outcome.then(() => session.openLooks.delete(id))
}

/** A client that opens `tasks/result` does so at its first look. */
const LOOKS = 2

/** Questions of a task name the task (TL-013). */
export const namedFor =
  (id: string) =>
  ({ method, params }: InputRequest): InputRequest => ({
    method,
    params: withRelated(params ?? {}, id),
  })
