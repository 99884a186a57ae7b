import { isObject, own, textAt } from '@countersign/contract'
import type { Shown } from '#approvals'
import type { Views } from '#registry'
import type { Errand } from '#tasks'
import type { CallRooms } from './call.ts'
import { askedOf, changed } from './carry.ts'
import { targetOf } from './target.ts'

/** What whoever decides is shown of a call: what would be sent, and the definition it is sent for. */
export const shownOf =
  (rooms: Pick<CallRooms, 'rules'> & { readonly views: Views }) =>
  (errand: Errand): Shown => {
    const asked = askedOf(rooms.views, errand)
    const { params, digest } = targetOf(asked, rooms.rules)
    if (digest !== errand.digest) throw changed(errand)
    const name = textAt(asked.params, 'name')
    const body = asked.view.find('tool', name)?.exposed?.definition.body
    const given = own(params, 'arguments')
    const said = (key: string): string | undefined => {
      const value = body && own(body, key)
      return typeof value === 'string' ? value : undefined
    }
    const title = said('title')
    const description = said('description')
    return {
      name,
      arguments: isObject(given) ? given : {},
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      client: errand.client.label,
    }
  }
