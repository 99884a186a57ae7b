import { textAt, type JsonObject } from '@countersign/contract'
import type { Approval, Approvals } from '#approvals'
import type { Config } from '#config'
import { openFeeds, PROGRESS, type Event, type Feeds } from '#feeds'
import { decisionMount, eventsMount, type DecisionRooms, type EventRooms, type Mount } from '#http'
import type { GroupsOf } from '#policy'
import type { Desk, Standing } from '#tasks'
import type { Foundation } from './foundation.ts'

export interface FeedPlan extends Foundation {
  readonly approvals: Pick<Approvals, 'find' | 'pageOf'>
  readonly desk: Desk
}

type MountPlan = Omit<DecisionRooms, 'deciders'> &
  Omit<EventRooms, 'mayReadAll' | 'isRevoked'> &
  Pick<Foundation, 'revocations'> & { readonly groupsOf: GroupsOf }

/** What is asked and answered from outside: the live stream, and decisions of chat systems. */
export const feedMounts = ({ events, deciders }: Config, plan: MountPlan): readonly Mount[] => [
  eventsMount({
    ...plan,
    mayReadAll: (who) => plan.groupsOf(who).some((group) => events.readers.includes(group)),
    isRevoked: (who) => who.proof !== 'local' && plan.revocations.isRevoked(who),
  }),
  decisionMount({ ...plan, deciders }),
]

/** A task that goes on fast is told of this often at most. */
const PROGRESS_MS = 250

/** What others are told of this house. */
export function openHouseFeeds({ events }: Config, plan: FeedPlan): Feeds {
  const { desk, tree, grown } = plan
  const find = async (task: string): Promise<Standing | undefined> =>
    desk.find(undefined, task).catch(() => undefined)
  const feeds = openFeeds(
    {
      ...plan,
      origin: tree.origin,
      callOf: async (task) => (await find(task))?.errand.call,
      explain: (event, withArguments) => explain(plan.approvals, event, withArguments),
    },
    events,
  )
  grown.tell = feeds.grew
  tellProgress(plan, feeds, find)
  return feeds
}

/** While nobody listens a change costs one look at how many do. */
function tellProgress(
  { desk, world }: FeedPlan,
  { streams }: Feeds,
  find: (task: string) => Promise<Standing | undefined>,
): void {
  const due = new Set<string>()
  const tell = async (task: string): Promise<void> => {
    const standing = await find(task)
    if (standing) streams.progress(progressOf(standing, world.now()), standing.task.owner)
  }
  desk.watch((task) => {
    if (streams.count() === 0 || due.has(task)) return
    due.add(task)
    world.after(PROGRESS_MS, () => {
      due.delete(task)
      void tell(task)
    })
  })
}

function progressOf({ task, errand }: Standing, at: number): Event {
  const { id, owner, state, status, progress } = task
  const { done, total, message } = progress ?? {}
  const said: JsonObject = {
    ...(done === undefined ? {} : { done }),
    ...(total === undefined ? {} : { total }),
    ...(message === undefined ? {} : { message }),
  }
  const body: JsonObject = {
    task: id,
    call: errand.call,
    principal: owner,
    state,
    ...(status === undefined ? {} : { status }),
    ...(progress === undefined ? {} : { progress: said }),
  }
  return { seq: undefined, at, kind: PROGRESS, call: errand.call, body }
}

/** What whoever is asked in a chat has to know, beside what stands in the entry. */
async function explain(
  { find, pageOf }: FeedPlan['approvals'],
  { kind, body }: Event,
  withArguments: boolean,
): Promise<JsonObject | undefined> {
  if (!kind.startsWith('approval.')) return undefined
  const id = textAt(body, 'approval')
  const approval = id === '' ? undefined : await find(id)
  return approval && explained(approval, pageOf(id), withArguments)
}

function explained(
  { id, state, bound, asks, message, shown, expiresAt }: Approval,
  page: string | undefined,
  withArguments: boolean,
): JsonObject {
  return {
    state,
    server: bound.server,
    tool: bound.tool,
    effect: bound.effect,
    principal: bound.principal,
    client: bound.client,
    ...(shown.title === undefined ? {} : { title: shown.title }),
    ...(message === undefined ? {} : { message }),
    groups: asks.map(({ group, quorum }) => ({ group, quorum })),
    expiresAt: new Date(expiresAt).toISOString(),
    ...(page === undefined ? {} : { page }),
    command: `countersign approve ${id}`,
    ...(withArguments ? { arguments: shown.arguments } : {}),
  }
}
