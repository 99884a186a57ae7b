/** Tools, served: over standard input and output, or over Streamable HTTP. */
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { makeServer } from './make-server.ts'
import { serveHttp } from './serve-http.ts'
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
  /** Hears of everything a tool throws. Default: standard error, with the stack. */
  readonly onError?: (error: unknown, tool: string) => void
}

/** Tools being served, until `close`. */
export interface Serving extends AsyncDisposable {
  /** Where, for HTTP. */
  readonly url?: URL
  readonly close: () => Promise<void>
}

/**
 * Serves tools to clients of every protocol revision since 2024-11-05.
 *
 * @returns once they can be called, with the address for HTTP.
 * @throws Error when two tools share a name, or the port cannot be had.
 */
export async function serve(tools: readonly Tool[], options: ServeOptions): Promise<Serving> {
  const { http, onError = report } = options
  const make = () => makeServer(tools, { ...options, onError })
  make() // What is wrong with the tools shows now, not with the first call.
  if (http === undefined) {
    const stdio = serveStdio(make)
    const close = () => stdio.close()
    return { close, [Symbol.asyncDispose]: close }
  }
  const { close, url } = await serveHttp(make, http)
  return { url, close, [Symbol.asyncDispose]: close }
}

const report = (error: unknown, tool: string): void => {
  process.stderr.write(`${tool}: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`)
}
