import type { Server } from 'node:http'
import { Fault } from '@countersign/contract'

/** Listens, and says which port it became. `fields` is where the operator wrote the address. */
export async function listenOn(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  fields: { readonly port: string; readonly address: string },
): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const where = `${host}:${String(port)}`
    const why =
      code === 'EADDRINUSE'
        ? `${where} is in use. Stop what listens there, or set ${fields.port} to another port.`
        : `${where} cannot be listened on (${code}). Check ${fields.address}.`
    throw new Fault('config/invalid', why, { cause })
  }
  const address = server.address()
  return typeof address === 'object' && address ? address.port : port
}
