import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault, FAULTS, type JsonObject } from '@countersign/contract'
import { html, PageRefusal, type PageDesk, type Person, type SignIns } from '#auth'
import type { Log } from '#telemetry'
import {
  CALLBACK_PATH,
  CLIENT_JWKS_PATH,
  CLIENT_PATH,
  ownDocument,
  PUBLIC_CLIENT_PATH,
  type Connecting,
  type Connection,
} from '#vault'
import { connectPage, connectedPage } from './connect-pages.ts'
import { methodNotAllowed } from './refusal.ts'
import type { Mount } from './routes.ts'

export interface ConnectRooms {
  readonly log: Log
  readonly connecting: Connecting
  /** Once we listen: they are under our public origin. */
  readonly pages: () => PageDesk
  readonly signIns: () => SignIns
  /** The address of a server, for whoever decides about it. */
  readonly addressOf: (server: string) => string | undefined
  /** The public key that our document points to. */
  readonly keys: () => Promise<JsonObject>
}

const CONNECT = '/connect/'
const DOCUMENTS: readonly string[] = [CLIENT_PATH, PUBLIC_CLIENT_PATH, CLIENT_JWKS_PATH]

/** Where people let us use servers for them, and what we say of ourselves to their account servers. */
export function connectMount(rooms: ConnectRooms): Mount {
  return {
    owns: (path) => path.startsWith(CONNECT) || DOCUMENTS.includes(path),
    answer: async (request, response) => {
      const url = new URL(request.url ?? '/', rooms.pages().origin)
      if (DOCUMENTS.includes(url.pathname))
        return describeUs(rooms, url.pathname, request, response)
      try {
        await connect(rooms, url, request, response)
      } catch (thrown) {
        const refusal = refusalOf(thrown)
        if (!refusal) throw thrown
        rooms.log.info({ path: url.pathname, why: refusal.title }, 'a connection was refused')
        rooms.pages().refuse(response, refusal)
      }
    },
  }
}

async function connect(
  rooms: ConnectRooms,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isCallback = url.pathname === CALLBACK_PATH
  const allowed = isCallback ? ['GET'] : ['GET', 'POST']
  const { method = '' } = request
  if (!allowed.includes(method)) throw methodNotAllowed(response, allowed.join(', '))
  const signIns = rooms.signIns()
  const person = await signIns.personOf(request)
  if (!person) {
    // What came back is good for ten minutes: whoever signs in by then goes on with it.
    signIns.send(response, url.pathname + url.search)
    return
  }
  if (isCallback) return done(rooms, url.searchParams, person, response)
  const connection = await found(rooms, url.pathname.slice(CONNECT.length), person)
  if (method === 'POST') return send(rooms, connection, person, { request, response })
  show(rooms, connection, person, { request, response })
}

interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** OC20: nobody but who asked for it learns so much as which server it is about. */
async function found(rooms: ConnectRooms, id: string, person: Person): Promise<Connection> {
  const connection = await rooms.connecting.find(decodeId(id))
  if (!connection) throw over()
  const { principal } = connection
  if (principal !== undefined && principal !== person.principal) throw notYours(person)
  return connection
}

const formOf = ({ id }: Connection): string => `connect ${id}`

function show(
  rooms: ConnectRooms,
  connection: Connection,
  person: Person,
  { request, response }: Visit,
): void {
  const pages = rooms.pages()
  const field = pages.forms.field(request, response, formOf(connection))
  const address = rooms.addressOf(connection.server) ?? ''
  pages.send(response, 200, connectPage({ connection, address, person, field }))
}

async function send(
  { pages, connecting }: ConnectRooms,
  connection: Connection,
  person: Person,
  { request, response }: Visit,
): Promise<void> {
  const desk = pages()
  await desk.forms.read(request, formOf(connection))
  const onward = await connecting.authorize(connection.id, person)
  desk.sendOnward(response, onward, { title: `Going to ${new URL(onward).host}` })
}

async function done(
  { pages, connecting }: ConnectRooms,
  query: URLSearchParams,
  person: Person,
  response: ServerResponse,
): Promise<void> {
  const { server } = await connecting.finish(query, person)
  pages().send(response, 200, connectedPage(server))
}

/** Public by nature: whoever is asked to trust us reads it (OC7). */
async function describeUs(
  { pages, keys }: ConnectRooms,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET') throw methodNotAllowed(response, 'GET')
  const document = path === CLIENT_JWKS_PATH ? await keys() : ownDocument(pages().origin, path)
  if (!document) throw new Fault('http/not-found', 'There is no such document.')
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=300' })
  response.end(JSON.stringify(document))
}

/** A fault of connecting in words for a person; undefined for what is no business of theirs. */
function refusalOf(thrown: unknown): PageRefusal | undefined {
  if (thrown instanceof PageRefusal) return thrown
  if (!(thrown instanceof Fault)) return undefined
  const { code, message } = thrown
  if (code === 'http/not-found') return over()
  if (code === 'http/forbidden')
    return new PageRefusal(403, { title: 'Not connected', words: message })
  if (!code.startsWith('upstream/')) return undefined
  const status = FAULTS[code].http === 200 ? 502 : FAULTS[code].http
  const more = html`<p class="soft">Nothing was changed. Begin again where you came from.</p>`
  return new PageRefusal(status, { title: 'Not connected', words: message, more })
}

const over = (): PageRefusal =>
  new PageRefusal(404, {
    title: 'This page is over',
    words:
      'It was used already, or was left open for too long. Go back to the program that sent you here and try once more: it has a new one for you.',
  })

const notYours = ({ name }: Person): PageRefusal =>
  new PageRefusal(403, {
    title: 'Somebody else asked for this',
    words: `You are signed in as ${name}. Only the person who asked to connect an account may do it. If nobody asked you to open this page, close it.`,
  })

function decodeId(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
