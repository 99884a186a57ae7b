import { Readable } from 'node:stream'
import type { KoaContextWithOIDC } from 'oidc-provider'

/** Who asks without naming a client: the provider knows no request without one (WI4). */
export const WITHOUT_CLIENT = 'urn:countersign:program'

/** What the provider itself reads of a request at most. */
const BODY_BYTES_MAX = 56 * 1_024

type Params = Readonly<Record<string, unknown>>

/**
 * Names a client for requests that need none, before the provider reads them: whoever shows an
 * identity of a platform is known by that. A client that is only named proves nothing, so its name is
 * passed over: there are libraries that cannot ask without one.
 */
export const namesClient =
  (needsNoClient: (params: Params) => boolean) =>
  async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    const isForm = ctx.is('application/x-www-form-urlencoded') !== false
    const isToken = ctx.method === 'POST' && ctx.path === '/token' && isForm
    if (!isToken || ctx.get('authorization') !== '') {
      await next()
      return
    }
    const body = await bytesOf(ctx.req)
    if (!body) {
      ctx.status = 413
      ctx.body = { error: 'invalid_request', error_description: 'The request is too large.' }
      return
    }
    const params = new URLSearchParams(body.toString('utf8'))
    const proves = params.has('client_assertion') || params.has('client_secret')
    const isWithout = !proves && needsNoClient(Object.fromEntries(params))
    if (isWithout) params.set('client_id', WITHOUT_CLIENT)
    ctx.req = unread(ctx.req, isWithout ? Buffer.from(params.toString()) : body)
    await next()
  }

async function bytesOf(stream: Readable): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    const part: Buffer = Buffer.from(chunk)
    bytes += part.length
    if (bytes > BODY_BYTES_MAX) return undefined
    chunks.push(part)
  }
  return Buffer.concat(chunks)
}

/** The same request, with a body that nobody has read yet. */
function unread(request: KoaContextWithOIDC['req'], body: Buffer): KoaContextWithOIDC['req'] {
  delete request.headers['transfer-encoding']
  request.headers['content-length'] = String(body.length)
  // How the provider reads it; everything else is that of the request.
  return Object.create(request, {
    readable: { value: true },
    iterator: { value: () => Readable.from([body]).iterator() },
  })
}
