import { createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { listen } from '../../listen.ts'
import { checkOutcome, INPUT, takeStep, type OUTCOME, type Place, type Subject } from '../work.ts'
import { loadPeer } from './load-peer.ts'

/** What is used of Restate's packages, which are not installed when this is compiled. */
interface Context {
  run<Value>(name: string, body: () => Promise<Value>): Promise<Value>
}
interface Sdk {
  service(definition: object): object
  createEndpointHandler(options: {
    readonly services: readonly object[]
  }): (request: Http2ServerRequest, response: Http2ServerResponse) => void
}
interface Clients {
  connect(options: { readonly url: string }): {
    serviceClient(service: { readonly name: string }): {
      twoSteps(input: typeof INPUT): Promise<unknown>
    }
  }
}

const NAME = 'bench'

/** The service and those who call it in this process; the server that makes it durable is another. */
export async function openRestate({ peers, restate }: Place): Promise<Subject> {
  if (!restate) throw new TypeError('there is no Restate server')
  // A line for each call would be measured, too.
  process.env['RESTATE_LOGGING'] = 'ERROR'
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const sdk = loadPeer(peers, '@restatedev/restate-sdk') as Sdk
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const clients = loadPeer(peers, '@restatedev/restate-sdk-clients') as Clients
  const service = sdk.service({ name: NAME, handlers: { twoSteps } })
  const server = createServer(sdk.createEndpointHandler({ services: [service] }))
  const uri = `http://127.0.0.1:${String(await listen(server))}`
  await register(restate.admin, uri)
  const client = clients.connect({ url: restate.ingress }).serviceClient({ name: NAME })
  return {
    once: async () => checkOutcome(await client.twoSteps(INPUT)),
    close: async () => {
      server.close()
      await Promise.resolve()
    },
  }
}

async function twoSteps(context: Context): Promise<typeof OUTCOME> {
  await context.run('one', takeStep)
  return await context.run('two', takeStep)
}

async function register(admin: string, uri: string): Promise<void> {
  const answer = await fetch(`${admin}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri }),
  })
  if (!answer.ok) throw new Error(`Restate did not take the service: ${await answer.text()}`)
}
