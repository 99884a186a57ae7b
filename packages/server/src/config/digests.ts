import { canonical } from '@countersign/contract'
import { digestOf } from '#base'
import { isFields, type Fields } from './fields.ts'

/** What stands below such a name may be a secret, whatever it is called there. */
const HOLDERS: ReadonlySet<string> = new Set(['headers', 'env', 'args', 'postgres'])
const SECRET = /secret|token|password|credential|(^|[a-z_-])key$/i
/** A text of variables alone says where a secret is, and not what it is. */
const VARIABLES = /^(?:\s*(?:Bearer|Basic)?\s*\$\{[^}]*\}\s*)+$/

/**
 * A digest of each section as it is written: with the names of variables, never their values, and with
 * nothing of a text that may be a secret, so that nobody can try secrets out on it.
 */
export function digestsOf(written: Fields): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(written).map(([name, value]) => [name, digestOf(textOf(covered(value, false)))]),
  )
}

function covered(value: unknown, isSecret: boolean): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => covered(one, isSecret))
  if (isFields(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        covered(one, isSecret || HOLDERS.has(name) || SECRET.test(name)),
      ]),
    )
  }
  return isSecret && typeof value === 'string' && !VARIABLES.test(value) ? '[secret]' : value
}

function textOf(value: unknown): string {
  try {
    return canonical(value)
  } catch {
    return JSON.stringify(value) ?? '' // What YAML has and JSON has not, such as .inf.
  }
}
