/** A control-plane client for anything with `fetch` and a token: the console, the CLI, a script. */
import { ADMIN, type Admin, type AdminName } from './admin.ts'

/**
 * Makes a client of the admin API at `base`.
 *
 * @throws Error with the server's own message when an operation is refused.
 */
export function connect(base: URL, token: () => string): Admin {
  const ask = async (name: AdminName, input: object): Promise<unknown> => {
    const { method, path, output } = ADMIN[name]
    const url = new URL(path, base)
    if (method === 'GET') {
      for (const [key, value] of Object.entries(input)) url.searchParams.set(key, String(value))
    }
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token()}`, accept: 'application/json' },
    })
    const body: unknown = await response.json()
    if (!response.ok) throw new Error(messageOf(body) ?? `HTTP ${String(response.status)}`)
    return output.parse(body)
  }
  const names = Object.keys(ADMIN) as AdminName[]
  return Object.fromEntries(
    names.map((name) => [name, (input: object) => ask(name, input)]),
  ) as unknown as Admin
}

function messageOf(body: unknown): string | undefined {
  const error = (body as { readonly error?: { readonly message?: unknown } } | null)?.error
  return typeof error?.message === 'string' ? error.message : undefined
}
