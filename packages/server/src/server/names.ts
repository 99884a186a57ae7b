import type { Config } from '#config'

/** Names under which a browser or client may reach us; anything else was made to resolve here. */
export function hostsOf({ listen }: Config): ReadonlySet<string> {
  const named = listen.publicUrl === undefined ? [] : [new URL(listen.publicUrl).hostname]
  return new Set(['localhost', '127.0.0.1', '[::1]', listen.host, ...named])
}

/** What clients know us as: the audience of their tokens. Never read from what a request says. */
export const originOf =
  ({ listen }: Config) =>
  (port: number): string => {
    const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
    return listen.publicUrl ?? `http://${host}:${String(port)}`
  }
