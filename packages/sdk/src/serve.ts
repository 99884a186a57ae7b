/** Tools, served: over standard input and output, or over Streamable HTTP. */
import { join } from 'node:path'
import { openSqliteStore, StoreLocked, type Store } from '@countersign/engine'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import type { DurableTool, OnError } from './durable/durable-tool.ts'
import { isDurable, serverMaker } from './make-server.ts'
import { serveHttp } from './serve-http.ts'
import { StdioWithNews } from './tasks/stdio-news.ts'
import { Tasks } from './tasks/tasks.ts'
import type { Tool } from './tool.ts'

/** Where HTTP is served. */
export interface HttpOptions {
  /** 0 takes any that is free. */
  readonly port: number
  /** The address to listen on. Default 127.0.0.1: only this machine. */
  readonly host?: string
  /** Names under which clients may reach it, without port. Default: those of this machine. */
  readonly hosts?: readonly string[]
}

/** Who serves, and how. */
export interface ServeOptions {
  readonly name: string
  readonly version: string
  /** For the model: what these tools are for together. */
  readonly instructions?: string
  /** Serves Streamable HTTP at `/mcp`; without it, standard input and output. */
  readonly http?: HttpOptions
  /**
   * The folder in which durable tools keep their tasks, for one process at a time. Default:
   * `.countersign-tools/` and the server's name, under the current directory.
   */
  readonly data?: string
  /** How often clients are told to ask for their tasks, in milliseconds. Default 1,000. */
  readonly pollMs?: number
  /** Hears of everything a tool throws. Default: standard error, with the stack. */
  readonly onError?: OnError
}

/** Tools being served, until `close`. */
export interface Serving extends AsyncDisposable {
  /** Where, for HTTP. */
  readonly url?: URL
  readonly close: () => Promise<void>
}

/** Where tasks are kept when nobody says. */
const FOLDER = '.countersign-tools'

/**
 * Serves tools to clients of every protocol revision since 2024-11-05. Calls of durable tools are
 * tasks in both task protocols, and ordinary calls for clients that know neither. Tasks that an
 * earlier process left behind go on by themselves.
 *
 * @returns once they can be called, with the address for HTTP.
 * @throws Error when two tools share a name, the port cannot be had, or another process has `data`.
 */
export async function serve(
  tools: readonly (Tool | DurableTool)[],
  options: ServeOptions,
): Promise<Serving> {
  const { http, pollMs, onError = report } = options
  const durable = tools.filter(isDurable)
  checkNames(tools)
  const tasks =
    durable.length === 0
      ? undefined
      : await Tasks.open({
          store: openStore(options),
          tools: durable,
          onError,
          ...(pollMs === undefined ? {} : { pollMs }),
        })
  const isSingleClient = http === undefined
  const served = { tools, isSingleClient, ...(tasks ? { tasks } : {}) }
  const make = serverMaker(served, { ...options, onError })
  try {
    make({ era: 'modern' }) // What is wrong with the tools shows now, not with the first call.
    const { url, close } = http ? await serveHttp(make, http, tasks) : listenStdio(make, tasks)
    const closeAll = async (): Promise<void> => {
      await close()
      await tasks?.close()
    }
    return { ...(url ? { url } : {}), close: closeAll, [Symbol.asyncDispose]: closeAll }
  } catch (error) {
    await tasks?.close()
    throw error
  }
}

function checkNames(tools: readonly (Tool | DurableTool)[]): void {
  const names = new Set<string>()
  for (const { name } of tools) {
    if (names.has(name)) throw new Error(`Two tools are called "${name}".`)
    names.add(name)
  }
}

function openStore({ name, data }: ServeOptions): Store {
  const folder = data ?? join(FOLDER, name.replaceAll(/[^A-Za-z0-9._-]/g, '_'))
  try {
    return openSqliteStore(join(folder, 'tasks.db'))
  } catch (cause) {
    if (!(cause instanceof StoreLocked)) throw cause
    throw new Error(
      `Another process already serves the tasks in ${folder}. Stop it, or give this one a folder of its own: serve(tools, { data: '…' }).`,
      { cause },
    )
  }
}

function listenStdio(
  make: ReturnType<typeof serverMaker>,
  tasks: Tasks | undefined,
): { readonly url?: URL; readonly close: () => Promise<void> } {
  if (!tasks) return serveStdio(make)
  // A client that is gone takes its server with it; what was begun goes on when it is back.
  const transport = new StdioWithNews(tasks, () => {
    void tasks.close()
  })
  return serveStdio(make, { transport })
}

const report = (error: unknown, tool: string): void => {
  process.stderr.write(`${tool}: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`)
}
