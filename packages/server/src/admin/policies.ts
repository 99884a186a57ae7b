import { Fault, type Admin } from '@countersign/contract'
import type { PolicyVersionDetail, PolicyVersionLine } from '@countersign/contract/admin-policy'
import { casesSchema, type Cases, type LivePolicy } from '#policy'

export interface PolicyAdminRooms {
  /** Undefined where the configuration has no policies. */
  readonly policy: LivePolicy | undefined
}

type Operations = 'listPolicyVersions' | 'getPolicyVersion' | 'applyPolicies' | 'rollbackPolicies'
type Input<Name extends Operations> = Parameters<Admin[Name]>[0]

/** Whoever holds the token of the data folder. */
const OPERATOR = 'operator'
const LISTED = 20
const MISTAKES_MAX = 10

/** What was in force, and what shall be. */
export const policyOperations = (rooms: PolicyAdminRooms): Pick<Admin, Operations> => ({
  listPolicyVersions: async ({ limit }) => {
    const policy = must(rooms)
    const versions = await policy.versions.list(limit === undefined ? LISTED : Number(limit))
    return versions.map((one) => lineOf(policy, one))
  },
  getPolicyVersion: async ({ number }) => {
    const policy = must(rooms)
    const wanted = number === undefined ? policy.inForce().number : Number(number)
    return versionOf(policy, wanted)
  },
  applyPolicies: (input) => apply(must(rooms), input),
  rollbackPolicies: async ({ number, ...said }) => {
    const policy = must(rooms)
    const { files } = await versionOf(policy, number)
    const reason = said.reason ?? `back to version ${String(number)}`
    return apply(policy, { files, force: true, ...said, reason })
  },
})

async function apply(
  policy: LivePolicy,
  { files, cases = [], force = false, author, reason, expect }: Input<'applyPolicies'>,
): Promise<PolicyVersionLine> {
  const { number } = await policy.apply({
    files: [...files],
    cases: cases.map(readCases),
    isForced: force,
    author: author ?? OPERATOR,
    by: OPERATOR,
    reason,
    expect,
  })
  return lineOf(policy, await versionOf(policy, number))
}

/** A case that cannot be read tests nothing. */
function readCases({
  name,
  timeZone,
  cases,
}: NonNullable<Input<'applyPolicies'>['cases']>[number]): Cases {
  const read = casesSchema.safeParse({ cases, ...(timeZone === undefined ? {} : { timeZone }) })
  if (read.success) return { name, timeZone: read.data.timeZone, cases: read.data.cases }
  const wrong = read.error.issues
    .slice(0, MISTAKES_MAX)
    .map(({ path, message }) => `${name}: ${path.join('.')}: ${message}`)
  throw new Fault('rpc/bad-params', wrong.join('\n'))
}

function must({ policy }: PolicyAdminRooms): LivePolicy {
  if (policy) return policy
  throw new Fault(
    'rpc/bad-params',
    'There are no policies: the configuration has no `policy`, so all that is listed may be called.',
  )
}

async function versionOf(policy: LivePolicy, number: number): Promise<PolicyVersionDetail> {
  const found = await policy.versions.get(number)
  if (found) return { ...found, isInForce: policy.inForce().number === number }
  throw new Fault('rpc/bad-params', `There is no version ${String(number)} of the policies.`)
}

function lineOf(
  policy: LivePolicy,
  { files: _files, ...line }: Omit<PolicyVersionDetail, 'isInForce'>,
): PolicyVersionLine {
  return { ...line, isInForce: policy.inForce().number === line.number }
}
