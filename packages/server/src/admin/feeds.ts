import { ADMIN, Fault, type Admin } from '@countersign/contract'
import { isKindPattern, type Feeds } from '#feeds'

type FeedOperations = Pick<
  Admin,
  | 'listEvents'
  | 'listWebhooks'
  | 'listDeadLetters'
  | 'retryWebhook'
  | 'dropDeadLetters'
  | 'testWebhook'
>

/** Whoever holds the token of the data folder. */
const OPERATOR = 'operator'

export const feedOperations = ({
  lister,
  webhooks,
}: Pick<Feeds, 'lister' | 'webhooks'>): FeedOperations => ({
  listEvents: async (given) => {
    const { after, kinds, format, limit, ...filter } = ADMIN.listEvents.input.parse(given)
    const wanted = kinds?.split(',')
    if (wanted && !wanted.every(isKindPattern)) {
      throw new Fault('rpc/bad-params', 'A kind is such as approval.asked, or all of approval.*.')
    }
    const listed = await lister.list({ filter: { ...filter, kinds: wanted }, format, after, limit })
    // Read as the shape of the answer has it: the same JSON.
    return { ...listed, events: listed.events.map((one) => JSON.parse(JSON.stringify(one))) }
  },
  listWebhooks: async () =>
    (await webhooks.list()).map(({ off, at, nextAt, problem, kinds, ...line }) => ({
      ...line,
      kinds: [...kinds],
      ...(off === undefined ? {} : { off }),
      ...(at === undefined ? {} : { at }),
      ...(nextAt === undefined ? {} : { nextAt }),
      ...(problem === undefined ? {} : { problem }),
    })),
  listDeadLetters: async ({ name }) => (await webhooks.dead(name)).map((one) => ({ ...one })),
  retryWebhook: async ({ name, event }) => toldOf(await webhooks.retry(name, event, OPERATOR)),
  dropDeadLetters: async ({ name, event }) => ({ dropped: await webhooks.drop(name, event) }),
  testWebhook: async ({ name }) => toldOf(await webhooks.test(name)),
})

const toldOf = ({
  isTaken,
  problem,
}: Awaited<ReturnType<Feeds['webhooks']['test']>>): Awaited<ReturnType<Admin['testWebhook']>> => ({
  ...(isTaken === undefined ? {} : { isTaken }),
  ...(problem === undefined ? {} : { problem }),
})
