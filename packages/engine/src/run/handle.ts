import type { Kind } from '../kinds.ts'
import type { Context } from './context.ts'

/** Runs a handler, and takes back what it did when it fails and its kind wants that. */
export async function handle(kind: Kind, context: Context): Promise<unknown> {
  try {
    return await kind.handler(context)
  } catch (error) {
    if (kind.options.undoOnFailure === true) await context.undo()
    throw error
  }
}
