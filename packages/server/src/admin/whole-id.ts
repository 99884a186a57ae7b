import { Fault } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { Desk } from '#tasks'

/** How many of those that fit are named to whoever was too short. */
const NAMED_MAX = 3

/** The id of a call that begins so: a shortened id is enough where only one call has it. */
export async function wholeCall(
  ledger: Pick<Ledger, 'named' | 'of'>,
  given: string,
): Promise<string> {
  const found = await ledger.named(given, NAMED_MAX)
  const [only] = found
  if (found.includes(given)) return given
  if (only !== undefined && found.length === 1) return only
  if (found.length > 1) throw several('calls', given, found)
  // A later round of a call has an id of its own.
  if ((await ledger.of(given)).length > 0) return given
  throw new Fault('rpc/bad-params', `The ledger has no call "${given}".`)
}

const PAGE = 500
/** Beyond so many tasks a shortened id is looked for no further. */
const PAGES_MAX = 10

/** The same for a task that is kept. */
export async function wholeTask(desk: Pick<Desk, 'look' | 'page'>, given: string): Promise<string> {
  if (await desk.look(given)) return given
  const found: string[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    // Each page says where the next one begins.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const page = await desk.page({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) })
    found.push(...page.tasks.map(({ id }) => id).filter((id) => id.startsWith(given)))
    cursor = page.next
    if (cursor === undefined) break
  }
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  if (found.length > 1) throw several('tasks', given, found)
  throw new Fault(
    'task/unknown',
    `There is no task "${given}"; it may have expired. "countersign tasks --all" lists those there are.`,
  )
}

const several = (what: string, given: string, found: readonly string[]): Fault =>
  new Fault(
    'rpc/bad-params',
    `Several ${what} begin with "${given}": ${found.slice(0, NAMED_MAX).join(', ')}. Give more of the id.`,
  )
