import { complainShape } from './shape-problem.ts'
import { keyName, type Complain } from './mistake.ts'
import { nearest } from '#base'
import { configSchema } from './schema.ts'

/** A named selection of servers behind one URL. */
export interface View {
  readonly name: string
  readonly servers: readonly string[]
}

/** Disabled servers may be named, so that switching one off is a change of one line. */
export function readViews(
  written: unknown,
  ids: ReadonlySet<string>,
  disabled: readonly string[],
  complain: Complain,
): View[] {
  const read = configSchema.shape.views.safeParse(written)
  if (!read.success) {
    complainShape(read.error.issues, written, ['views'], complain)
    return []
  }
  return Object.entries(read.data).map(([name, { servers }]) => {
    if (ids.has(name)) {
      complain(
        ['views', name],
        `a server is called ${keyName(name)} too`,
        'both would have the same URL',
      )
    }
    servers.forEach((id, index) => {
      const at = ['views', name, 'servers', index]
      if (!ids.has(id)) {
        const meant = nearest(id, ids)
        const known = ids.size === 0 ? 'no server is configured' : `known: ${[...ids].join(', ')}`
        const remedy = meant === undefined ? known : `did you mean ${meant}?`
        complain(at, 'no server has this name', remedy)
      } else if (servers.indexOf(id) !== index) complain(at, 'named twice', 'remove one')
    })
    return { name, servers: servers.filter((id) => !disabled.includes(id)) }
  })
}
