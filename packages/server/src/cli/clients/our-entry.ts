import { basename } from 'node:path'
import { isFields, isLoopback, type Fields } from '#config'
import type { Client } from './client.ts'

/** How clients reach us: by address, or by starting us. */
export interface Reach {
  /** The origin of the front door, such as http://127.0.0.1:7420. */
  readonly origin: string
  readonly command: string
  readonly args: readonly string[]
}

/** The name under which we stand in clients' files. */
export const OUR_NAME = 'countersign'

const urlOf = ({ origin }: Reach): string => `${origin}/mcp`

/** The entry of this client that points at us. */
export function ourEntry(client: Client, reach: Reach): Fields {
  const filled = Object.entries(client.ours).map(([name, value]): [string, unknown] => {
    if (value === '{url}') return [name, urlOf(reach)]
    if (value === '{command}') return [name, reach.command]
    return [name, value === '{args}' ? [...reach.args] : value]
  })
  return Object.fromEntries(filled)
}

/** Whether an entry points at us already: importing it would put us in front of ourselves. */
export function isOurs(name: string, written: unknown, reach: Reach): boolean {
  if (!isFields(written)) return false
  const { url, httpUrl, serverUrl, uri, command, args } = written
  const address = [url, httpUrl, serverUrl, uri].find((value) => typeof value === 'string')
  if (typeof address === 'string') return name === OUR_NAME || isOurUrl(address, reach)
  const words = [command, args].flat().filter((word) => typeof word === 'string')
  return words.some(isOurProgram) && (words.includes('serve') || name === OUR_NAME)
}

function isOurUrl(address: string, { origin }: Reach): boolean {
  if (!URL.canParse(address)) return false
  const url = new URL(address)
  const ours = new URL(origin)
  const same =
    url.hostname === ours.hostname || (isLoopback(url.hostname) && isLoopback(ours.hostname))
  return same && portOf(url) === portOf(ours) && /^\/mcp(?:\/|$)/.test(url.pathname)
}

const portOf = ({ port, protocol }: URL): string => port || (protocol === 'https:' ? '443' : '80')

const isOurProgram = (word: string): boolean =>
  /^countersign(?:\.(?:cmd|exe|js|ts))?(?:@[\w.-]+)?$/.test(basename(word.replaceAll('\\', '/')))
