import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { Fault } from '@countersign/contract'
import { UPGRADE } from '#http'
import type { Running } from './running.ts'

export const RELAY_PATH = '/admin/stdio/'

/**
 * A pipe into the Countersign that runs, as the principal `local`: whoever can read the token of its
 * data folder is the person at this machine, whatever others have to show.
 */
export async function openRelay({ url, token }: Running, view: string): Promise<Duplex> {
  const upgrade = request(new URL(RELAY_PATH + encodeURIComponent(view), url), {
    headers: {
      connection: 'upgrade',
      upgrade: UPGRADE,
      authorization: `Bearer ${token.reveal()}`,
    },
  })
  upgrade.end()
  return new Promise<Duplex>((resolve, reject) => {
    upgrade.once('upgrade', (_response, upgraded) => {
      resolve(upgraded)
    })
    upgrade.once('response', () => {
      reject(
        new Fault('http/not-found', `the running Countersign has no server or view "${view}".`),
      )
    })
    upgrade.once('error', reject)
  })
}
