/** Durable tools, made known to an engine: every version, every child. */
import { TaskFault, type Engine } from '@countersign/engine'
import type { DurableTool, OnError } from './durable-tool.ts'
import { kindOf, toolOf } from './kind.ts'

/** Defines tools with their earlier versions and their children, each once. */
export function define(engine: Engine, tools: readonly DurableTool[], onError: OnError): void {
  const known = new Map<string, DurableTool>()
  const add = (tool: DurableTool): void => {
    const name = `${tool.name}@${tool.version}`
    const other = known.get(name)
    if (other === tool) return
    if (other) {
      throw new TypeError(
        `Two different tools are "${tool.name}" version ${tool.version}: make it once, and give the changed one another version.`,
      )
    }
    known.set(name, tool)
    for (const before of tool.previous) add(before)
    for (const child of tool.children) add(child)
    // New tasks start under what is defined last: this one, after its earlier versions.
    engine.define(kindOf(tool.name), (task) => tool.handle(task, onError), tool.options)
  }
  for (const tool of tools) add(tool)
}

/**
 * Tasks that wait under a version, or for a tool, that is not served any more cannot go on: they end
 * and say so, instead of waiting for ever. Call it before anything else is defined, and `wake` what
 * it returns once the engine has started.
 */
export async function defineGone(
  engine: Engine,
  tools: readonly DurableTool[],
): Promise<readonly string[]> {
  const gone: string[] = []
  const known = new Set(reachable(tools).map(({ name, version }) => `${name}@${version}`))
  let cursor: string | undefined
  do {
    const page = await engine.list({
      states: ['working', 'waiting'],
      limit: 500,
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const { id, kind, version } of page.tasks) {
      const name = toolOf(kind)
      if (name === undefined || known.has(`${name}@${version}`)) continue
      gone.push(id)
      engine.define(kind, () => Promise.reject(new Error(goneWords(name, version))), { version })
    }
    cursor = page.next
  } while (cursor !== undefined)
  return gone
}

/** Has tasks run now, whatever they are waiting for. */
export async function wake(engine: Engine, tasks: readonly string[]): Promise<void> {
  for (const id of tasks) await engine.signal(id, 'wake', null).catch(ignoreOver)
}

/** For what is meant for a task that may have ended by itself meanwhile: all else is told. */
export function ignoreOver(error: unknown): void {
  const isOver =
    error instanceof TaskFault && (error.code === 'task/illegal' || error.code === 'task/not-found')
  if (!isOver) throw error
}

const goneWords = (name: string, version: string): string =>
  `This task began under version ${version} of "${name}", which this server no longer has. Keep an old version in \`previous\` until its last task has ended.`

/** Tools with their earlier versions and their children. */
function reachable(tools: readonly DurableTool[]): readonly DurableTool[] {
  const found = new Set<DurableTool>()
  const visit = (tool: DurableTool): void => {
    if (found.has(tool)) return
    found.add(tool)
    for (const other of [...tool.previous, ...tool.children]) visit(other)
  }
  for (const tool of tools) visit(tool)
  return [...found]
}
