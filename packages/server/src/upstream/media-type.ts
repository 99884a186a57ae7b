import type { HttpHeaders } from './http-exchange.ts'

/** The media type of a response without its parameters, in lower case (H-026). */
export function mediaType(headers: HttpHeaders): string {
  const value = headers['content-type']
  const text = typeof value === 'string' ? value : (value?.[0] ?? '')
  return (text.split(';', 1)[0] ?? '').trim().toLowerCase()
}
