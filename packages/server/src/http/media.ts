import { MIMEType } from 'node:util'

/** True for `application/json` with whatever parameters and case (H-026). */
export function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true
  return essence(contentType ?? '') === 'application/json'
}

/** What every MCP client sends (H-024); the rest is parsed. */
const USUAL = 'application/json, text/event-stream'
const BOTH = { json: true, stream: true } as const

/** What an Accept header takes of the two forms an answer can have; absent or wildcard means both. */
export function accepts(header: string | undefined): {
  readonly json: boolean
  readonly stream: boolean
} {
  if (header === USUAL) return BOTH
  if (header === undefined) return { json: true, stream: false }
  const types = header.split(',').map(essence)
  const any = types.includes('*/*')
  return {
    json: any || types.includes('application/json') || types.includes('application/*'),
    stream: any || types.includes('text/event-stream') || types.includes('text/*'),
  }
}

function essence(type: string): string {
  try {
    return new MIMEType(type).essence
  } catch {
    return type.split(';', 1)[0]?.trim().toLowerCase() ?? '' // `*/*` is no media type for MIMEType.
  }
}
