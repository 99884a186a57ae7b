import { isObject, own, type Json, type JsonObject } from '@countersign/contract'
import type { WorkloadRule } from '../embedded/settings.ts'

/** Whether every claim that the rule names is there and is as it says (WI5): what is absent is no match. */
export const matchesRule = (claims: JsonObject, rule: WorkloadRule): boolean =>
  Object.entries(rule.claims).every(([path, pattern]) =>
    textsAt(claims, path).some((text) => matches(text, pattern)),
  )

/** The texts at a path; dots lead into objects, and may be part of a name, as in `kubernetes.io`. */
export function textsAt(claims: JsonObject, path: string): readonly string[] {
  const found = valueAt(claims, path)
  const list: readonly unknown[] = Array.isArray(found) ? found : [found]
  return list.flatMap((one) =>
    typeof one === 'string'
      ? [one]
      : typeof one === 'number' || typeof one === 'boolean'
        ? [String(one)]
        : [],
  )
}

/** The longest name wins, so that one path means one place. */
function valueAt(claims: JsonObject, path: string): Json | undefined {
  const whole = own(claims, path)
  if (whole !== undefined) return whole
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const inside = own(claims, path.slice(0, dot))
    if (isObject(inside)) return valueAt(inside, path.slice(dot + 1))
  }
  return undefined
}

/** `*` is any run of characters, also none; everything else is itself. Linear in what is shown. */
export function matches(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return text === pattern
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
