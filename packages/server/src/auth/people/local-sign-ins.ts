import type { World } from '#base'
import { LOCAL } from '../principal.ts'
import type { SignIns } from './person.ts'

/** Local mode: whoever can connect is the person at the keyboard, and needs no page for it. */
export const localSignIns = (world: World): SignIns => ({
  personOf: async () => ({
    principal: LOCAL.id,
    name: 'you',
    means: 'local',
    provedAt: world.now(),
  }),
  send: (response, path) => {
    response.writeHead(303, { location: path, 'cache-control': 'no-store' })
    response.end()
  },
})
