import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { Fault, isDeeperThan, parseExactly } from '@countersign/contract'

/** Reads a whole JSON body within its bounds, and parses it once. */
export async function readJson(
  request: IncomingMessage,
  limits: { readonly bodyBytesMax: number; readonly depthMax: number },
): Promise<unknown> {
  const text = await readText(request, limits.bodyBytesMax)
  if (isDeeperThan(text, limits.depthMax)) {
    throw new Fault(
      'rpc/invalid',
      `The body is nested deeper than ${String(limits.depthMax)} levels.`,
    )
  }
  try {
    return parseExactly(text)
  } catch (cause) {
    throw new Fault('rpc/parse', 'The body is not JSON.', { cause })
  }
}

/** The body as it was sent, for whoever has to check a signature over it. */
export const readText = async (request: IncomingMessage, bytesMax: number): Promise<string> =>
  utf8(await readBytes(request, bytesMax))

function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  // Made when needed: an error with its stack costs more than reading a small body.
  const tooLarge = (): Fault =>
    new Fault('http/too-large', `The body exceeds ${String(bytesMax)} bytes.`)
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > bytesMax) {
        request.pause()
        reject(tooLarge())
      } else chunks.push(chunk)
    })
    request.on('end', () => {
      const [first] = chunks
      resolve(chunks.length === 1 && first ? first : Buffer.concat(chunks))
    })
    request.on('error', reject)
    request.on('close', () => {
      if (!request.complete) reject(new Fault('http/slow', 'The body did not arrive whole.'))
    })
  })
}

function utf8(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  throw new Fault('rpc/parse', 'The body is not UTF-8.')
}
