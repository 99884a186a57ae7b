import type { IncomingMessage, ServerResponse } from 'node:http'
import { isObject, own } from '@countersign/contract'
import type { Seal, World } from '#base'
import { cookieOf, type Cookie } from './cookies.ts'
import { html, type Html } from './html.ts'
import { outOfDate, PageRefusal } from './refusal.ts'

/** Forms that only a page of ours, shown to this very browser, can send (AS23, AS24). */
export interface Forms {
  /** The hidden field of a form; `name` says what the form does and to what. */
  readonly field: (request: IncomingMessage, response: ServerResponse, name: string) => Html
  /** What was sent. Refused when another page sent it, or one of another name. */
  readonly read: (request: IncomingMessage, name: string) => Promise<Form>
  /** The browser, as far as forms know it: what a redirect may be bound to. */
  readonly browser: (request: IncomingMessage) => string | undefined
}

export interface Form {
  /** '' when it was not sent. */
  readonly text: (name: string) => string
  readonly all: (name: string) => readonly string[]
}

const PURPOSE = 'form'
const FIELD = 'form'
const VALID_MS = 12 * 3_600_000
/** Another node may have made the page, and its clock may be ahead of ours. */
const SKEW_MS = 60_000
/** The largest field is the answer of a passkey, a few kilobytes. */
const BODY_BYTES_MAX = 32_768
const FIELDS_MAX = 500
const BROWSER_BYTES = 32

export function makeForms(world: World, seal: Seal, origin: string): Forms {
  const cookie = cookieOf(origin, '-form')
  return {
    browser: (request) => cookie.read(request),
    field: (request, response, name) => {
      const known = browserOf(cookie, world, request, response)
      const value = seal.seal(PURPOSE, JSON.stringify({ name, browser: known, at: world.now() }))
      return html`<input type="hidden" name="${FIELD}" value="${value}" />`
    },
    read: async (request, name) => {
      checkOrigin(request, origin)
      const fields = new URLSearchParams(await bodyOf(request))
      if (fields.size > FIELDS_MAX) throw tooLarge()
      const said = contentOf(seal.open(PURPOSE, fields.get(FIELD) ?? ''))
      const age = world.now() - Number(said('at') ?? Number.NaN)
      const isOurs = said('name') === name && age > -SKEW_MS && age < VALID_MS
      const browser = cookie.read(request)
      if (!isOurs || browser === undefined || said('browser') !== browser) throw outOfDate()
      return { text: (key) => fields.get(key) ?? '', all: (key) => fields.getAll(key) }
    },
  }
}

const GIVEN = Symbol('browser')

/** The name of the browser, given to it now if it has none; several forms of one page share it. */
function browserOf(
  cookie: Cookie,
  world: World,
  request: IncomingMessage & { [GIVEN]?: string },
  response: ServerResponse,
): string {
  const known = cookie.read(request) ?? request[GIVEN]
  if (known !== undefined) return known
  const fresh = world.random(BROWSER_BYTES).toString('base64url')
  request[GIVEN] = fresh
  cookie.write(response, fresh)
  return fresh
}

function contentOf(opened: string | undefined): (key: string) => unknown {
  const content: unknown = opened === undefined ? undefined : JSON.parse(opened)
  return (key) => (isObject(content) ? own(content, key) : undefined)
}

/** Browsers say where a form comes from; what says nothing still needs the field and the cookie. */
function checkOrigin({ headers }: IncomingMessage, origin: string): void {
  const site = headers['sec-fetch-site']
  const isForeign =
    (headers.origin !== undefined && headers.origin !== origin) ||
    (headers.origin === undefined && site !== undefined && site !== 'same-origin')
  if (!isForeign) return
  throw new PageRefusal(403, {
    title: 'Sent from another site',
    words: 'This form was not sent by our own page, so nothing was done.',
  })
}

const tooLarge = (): PageRefusal =>
  new PageRefusal(413, {
    title: 'Too much was sent',
    words: 'Nothing was done. Go back and try again.',
  })

async function bodyOf(request: IncomingMessage): Promise<string> {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) throw outOfDate()
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    const part: Buffer = Buffer.from(chunk)
    bytes += part.length
    if (bytes > BODY_BYTES_MAX) throw tooLarge()
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString('utf8')
}
