import type { IncomingMessage, ServerResponse } from 'node:http'

/** One cookie of ours, that nothing but our own pages can set or read (AS24). */
export interface Cookie {
  readonly read: (request: IncomingMessage) => string | undefined
  readonly write: (response: ServerResponse, value: string) => void
  readonly clear: (response: ServerResponse) => void
}

const VALUE = /^[\w-]{43}$/

/** `__Host-` needs https; over http there is only this machine, where no other host can set it. */
export function cookieOf(origin: string, suffix = ''): Cookie {
  const isSecure = origin.startsWith('https://')
  const name = `${isSecure ? '__Host-' : ''}countersign${suffix}`
  // Lax, not Strict: people come here by links of other programs.
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return {
    read: ({ headers }) => {
      const found = (headers.cookie ?? '')
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(`${name}=`))
        .map((pair) => pair.slice(name.length + 1))
      // Two of one name: one of them is not ours, and nobody knows which.
      const [value] = found
      return found.length === 1 && value !== undefined && VALUE.test(value) ? value : undefined
    },
    write: (response, value) => {
      response.appendHeader('set-cookie', `${name}=${value}; ${attributes}`)
    },
    clear: (response) => {
      response.appendHeader('set-cookie', `${name}=; ${attributes}; Max-Age=0`)
    },
  }
}
