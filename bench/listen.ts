import { createServer, type Server } from 'node:net'

/** Listens on a free port of this machine only; resolves with the port. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address === 'object' && address) resolve(address.port)
      else reject(new TypeError('no port'))
    })
  })
}

/** A port that was free a moment ago, for programs that must be told one. */
export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** For a process of the bench: listens, tells its parent where, and ends with it. */
export async function listenForParent(server: Server): Promise<void> {
  endWithParent()
  process.send?.({ port: await listen(server) })
}

export function endWithParent(): void {
  process.once('disconnect', () => process.exit(0))
  process.once('SIGTERM', () => process.exit(0))
}
