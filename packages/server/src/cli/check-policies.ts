import type { Config } from '#config'
import { loadCedar, parseSet, readPolicies, sayMistake } from '#policy'
import type { Finding } from './doctor.ts'

/** The folder of policies, held against the schema as a start would; nothing where none is set. */
export async function checkPolicies({ policy }: Config): Promise<readonly Finding[]> {
  if (!policy) return []
  const { folder } = policy
  const read = readPolicies(folder)
  if (!read.ok) {
    const fix = 'set policy.folder to a folder of *.cedar files that you may read'
    return [{ check: 'policies', verdict: 'fail', what: read.problem, fix }]
  }
  const { policies, mistakes, remarks } = parseSet(await loadCedar(), read.files)
  const [first] = mistakes
  if (first) {
    const more = mistakes.length === 1 ? '' : ` (one of ${String(mistakes.length)} mistakes)`
    const fix = `countersign policy check ${folder}`
    return [{ check: 'policies', verdict: 'fail', what: `${sayMistake(first)}${more}`, fix }]
  }
  const count = `${String(policies.length)} ${policies.length === 1 ? 'policy' : 'policies'}`
  return [
    { check: 'policies', verdict: 'pass', what: `${count} in ${folder}` },
    ...remarks.map((one): Finding => ({
      check: 'policies',
      verdict: 'warn',
      what: sayMistake(one),
    })),
  ]
}
