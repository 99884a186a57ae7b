import { isObject, own, type JsonObject } from '@countersign/contract'
import { SUBJECTS, type Key } from './quota-spec.ts'

/** The key that a counter in the records is kept with. */
export function readKey(value: JsonObject): Key {
  const key = own(value, 'key')
  if (!isObject(key)) return {}
  return Object.fromEntries(
    SUBJECTS.flatMap((subject) => {
      const found = own(key, subject)
      return typeof found === 'string' ? [[subject, found] as const] : []
    }),
  )
}
