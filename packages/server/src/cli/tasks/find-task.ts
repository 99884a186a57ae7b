import { Fault, type Admin } from '@countersign/contract'
import type { Parsed } from '../command.ts'
import type { Detail, Line } from './words.ts'

const PAGE = 500
const NAMED_MAX = 5
const PREFIX = 'task_'

/** The id that stands on the command line. */
export function idIn(parsed: Parsed, usage: string): string {
  const [id] = parsed.positionals
  if (id !== undefined) return id
  throw new Fault(
    'rpc/bad-params',
    `name a task: countersign ${usage}. "countersign tasks" lists them.`,
  )
}

/** Every task that is kept, page by page; newest first. */
export async function* everyTask(
  admin: Admin,
  asked: { readonly states?: string; readonly run?: string } = {},
): AsyncGenerator<Line> {
  let cursor: string | undefined
  do {
    const page = await admin.listTasks({
      ...asked,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    })
    yield* page.tasks
    cursor = page.next
  } while (cursor !== undefined)
}

/** The task with this id, or the only one whose id begins like this. */
export async function findTask(admin: Admin, given: string): Promise<Detail> {
  try {
    return await admin.getTask({ id: given })
  } catch (thrown) {
    if (!(thrown instanceof Fault && thrown.code === 'task/unknown')) throw thrown
    const [id] = await beginningWith(admin, given)
    if (id === undefined) throw thrown
    return admin.getTask({ id })
  }
}

/** At most one; several are a question to whoever asked. */
async function beginningWith(admin: Admin, given: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { id } of everyTask(admin)) {
    const isMeant = id.startsWith(given) || id.startsWith(`${PREFIX}${given}`)
    if (isMeant) found.push(id)
  }
  if (found.length < 2) return found
  const named = found.slice(0, NAMED_MAX).join(', ')
  const more = found.length > NAMED_MAX ? ' and others' : ''
  throw new Fault(
    'rpc/bad-params',
    `"${given}" is the beginning of ${named}${more}: give more of it.`,
  )
}
