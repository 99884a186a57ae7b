import {
  META,
  toDetailedTask,
  toLegacyTask,
  type JsonObject,
  type RequestId,
} from '@countersign/contract'
import type { Views } from '#registry'
import type { Conversation, Desk, Outcome, Standing } from '#tasks'
import { notification, voice, type Channel } from './client.ts'
import type { Listener } from './hub.ts'
import type { Session } from './session.ts'
import { viewOf } from './task-view.ts'

interface Rooms {
  readonly desk: Desk
  readonly views: Views
}

/** Says that a task changed to whoever wanted to know: a courtesy nobody may rely on (TL-019, TX-026). */
export class TaskNotices {
  readonly #rooms: Rooms
  readonly #listeners: ReadonlySet<Listener>
  /** Legacy sessions by the tasks they made. */
  readonly #followers = new Map<string, Session>()
  /** Changed tasks that are told of at the end of this turn: many changes are one notice. */
  readonly #due = new Set<string>()

  constructor(rooms: Rooms, listeners: ReadonlySet<Listener>) {
    this.#rooms = rooms
    this.#listeners = listeners
    rooms.desk.watch((task) => {
      this.#changed(task)
    })
  }

  follow(
    session: Session,
    task: string,
    conversation: Conversation<Outcome>,
    token: RequestId | undefined,
  ): void {
    this.#followers.set(task, session)
    // TL-028: the token of the call lives as long as its task.
    const channel: Channel = {
      send: (message) => streamOf(session, task)?.send(message),
    }
    const { progress, log } = voice(channel, token, () => session.logLevel ?? 'debug')
    conversation.attach({
      progress,
      log: (params) => {
        // Whoever waits for the result hears the log by itself.
        if (!session.taskStreams.has(task)) log(params)
      },
    })
    void this.#forgetOver(task)
  }

  /** A call may be over before anybody could follow it: nothing will be told of it any more. */
  async #forgetOver(task: string): Promise<void> {
    const standing = await this.#rooms.desk.find(undefined, task).catch(() => undefined)
    if (!standing || standing.ended !== undefined) this.#followers.delete(task)
  }

  #changed(task: string): void {
    const isHeard =
      this.#followers.has(task) || [...this.#listeners].some(({ filter }) => filter.tasks.has(task))
    if (!isHeard || this.#due.has(task)) return
    this.#due.add(task)
    setImmediate(() => {
      this.#due.delete(task)
      // A courtesy: what cannot be told is not.
      this.#tell(task).catch(() => undefined)
    })
  }

  async #tell(task: string): Promise<void> {
    const standing = await this.#rooms.desk.find(undefined, task).catch(() => undefined)
    if (!standing) return
    const follower = this.#followers.get(task)
    if (follower) this.#tellSession(follower, standing)
    if (standing.ended !== undefined) this.#followers.delete(task)
    for (const listener of this.#listeners) {
      const { filter, who } = listener
      if (filter.tasks.has(task) && who.id === standing.task.owner)
        this.#tellListener(listener, standing)
    }
  }

  /** The whole task, without related-task metadata (TL-014). */
  #tellSession(session: Session, standing: Standing): void {
    const { revision, capabilities } = session.facts
    const view = viewOf(this.#rooms.views, standing, revision, capabilities)
    const note = notification('notifications/tasks/status', toLegacyTask(view))
    streamOf(session, standing.task.id)?.send(note)
  }

  /** AM-20: what `tasks/get` would say now, and the subscription it belongs to. */
  #tellListener({ channel, id, envelope }: Listener, standing: Standing): void {
    const { revision, capabilities } = envelope
    const view = viewOf(this.#rooms.views, standing, revision, capabilities)
    const params: JsonObject = { ...toDetailedTask(view), _meta: { [META.subscriptionId]: id } }
    channel.send(notification('notifications/tasks', params))
  }
}

/** Any open stream of the session: the one that waits for the result, else the one that listens. */
const streamOf = (session: Session, task: string): Pick<Channel, 'send'> | undefined =>
  session.taskStreams.get(task) ?? session.listening
