/** A control-plane client for anything with `fetch` and a token: the console, the CLI, a script. */
import { ADMIN, type Admin } from './admin.ts'
import { isObject, own } from './json.ts'

interface Asked<Output> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly output: { readonly parse: (value: unknown) => Output }
}

/**
 * Makes a client of the admin API at `base`.
 *
 * @throws Error with the server's own message when an operation is refused.
 */
export function connect(base: URL, token: () => string): Admin {
  const ask = async <Output>(asked: Asked<Output>, input: object): Promise<Output> => {
    const url = new URL(asked.path, base)
    for (const [key, value] of Object.entries(input)) url.searchParams.set(key, String(value))
    const response = await fetch(url, {
      method: asked.method,
      headers: { authorization: `Bearer ${token()}`, accept: 'application/json' },
    })
    const body: unknown = await response.json()
    if (!response.ok) throw new Error(messageOf(body) ?? `HTTP ${String(response.status)}`)
    return asked.output.parse(body)
  }
  return {
    listServers: (input) => ask(ADMIN.listServers, input),
    listTools: (input) => ask(ADMIN.listTools, input),
    listEntries: (input) => ask(ADMIN.listEntries, input),
  }
}

function messageOf(body: unknown): string | undefined {
  const error = isObject(body) ? own(body, 'error') : undefined
  const message = isObject(error) ? own(error, 'message') : undefined
  return typeof message === 'string' ? message : undefined
}
