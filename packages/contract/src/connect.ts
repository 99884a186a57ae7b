/** A control-plane client for anything with `fetch` and a token: the console, the CLI, a script. */
import type { POLICY_OPERATIONS } from './admin-policy.ts'
import type { QUOTA_OPERATIONS } from './admin-quota.ts'
import type { FEED_OPERATIONS } from './admin-feeds.ts'
import { ADMIN, type Admin } from './admin.ts'
import type { LEDGER_OPERATIONS } from './admin-ledger.ts'
import { Fault, FAULTS, type FaultCode } from './fault.ts'
import { isObject, own, textAt } from './json.ts'

interface Asked<Output> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly output: { readonly parse: (value: unknown) => Output }
}

/**
 * Makes a client of the admin API at `base`: what a GET asks is in the address, what a POST changes
 * in the body.
 *
 * @throws Fault with the server's own code and message when an operation is refused, and
 * `upstream/unavailable` when nobody answers.
 */
export function connect(base: URL, token: () => string): Admin {
  const ask = async <Output>(asked: Asked<Output>, input: object): Promise<Output> => {
    const response = await send(asked, input, base, token())
    const body: unknown = await response.json().catch((cause: unknown) => {
      throw silent(base, cause)
    })
    if (!response.ok) throw refusalIn(body, response.status)
    return asked.output.parse(body)
  }
  return {
    listServers: (input) => ask(ADMIN.listServers, input),
    listTools: (input) => ask(ADMIN.listTools, input),
    listEntries: (input) => ask(ADMIN.listEntries, input),
    ...ledgerThrough(ask),
    ...rulesThrough(ask),
    getCustody: (input) => ask(ADMIN.getCustody, input),
    getRunCustody: (input) => ask(ADMIN.getRunCustody, input),
    readPayloads: (input) => ask(ADMIN.readPayloads, input),
    eraseSubject: (input) => ask(ADMIN.eraseSubject, input),
    listTasks: (input) => ask(ADMIN.listTasks, input),
    getTask: (input) => ask(ADMIN.getTask, input),
    cancelTask: (input) => ask(ADMIN.cancelTask, input),
    settleTask: (input) => ask(ADMIN.settleTask, input),
    undoTask: (input) => ask(ADMIN.undoTask, input),
    undoRun: (input) => ask(ADMIN.undoRun, input),
    listApprovals: (input) => ask(ADMIN.listApprovals, input),
    getApproval: (input) => ask(ADMIN.getApproval, input),
    decideApproval: (input) => ask(ADMIN.decideApproval, input),
    listReviews: (input) => ask(ADMIN.listReviews, input),
    reviewApproval: (input) => ask(ADMIN.reviewApproval, input),
    listGrants: (input) => ask(ADMIN.listGrants, input),
    getGrant: (input) => ask(ADMIN.getGrant, input),
    makeGrant: (input) => ask(ADMIN.makeGrant, input),
    agreeGrant: (input) => ask(ADMIN.agreeGrant, input),
    revokeGrant: (input) => ask(ADMIN.revokeGrant, input),
    revoke: (input) => ask(ADMIN.revoke, input),
    listClients: (input) => ask(ADMIN.listClients, input),
    addClient: (input) => ask(ADMIN.addClient, input),
    removeClient: (input) => ask(ADMIN.removeClient, input),
    rotateKeys: (input) => ask(ADMIN.rotateKeys, input),
    listConnections: (input) => ask(ADMIN.listConnections, input),
    beginConnection: (input) => ask(ADMIN.beginConnection, input),
    removeConnection: (input) => ask(ADMIN.removeConnection, input),
    rekeyConnections: (input) => ask(ADMIN.rekeyConnections, input),
    listUsers: (input) => ask(ADMIN.listUsers, input),
    addUser: (input) => ask(ADMIN.addUser, input),
    linkUser: (input) => ask(ADMIN.linkUser, input),
    disableUser: (input) => ask(ADMIN.disableUser, input),
    removeUser: (input) => ask(ADMIN.removeUser, input),
    ...feedsThrough(ask),
  }
}

type Ask = <Output>(asked: Asked<Output>, input: object) => Promise<Output>

type Rules =
  | keyof typeof POLICY_OPERATIONS
  | keyof typeof QUOTA_OPERATIONS
  | 'listBrakes'
  | 'pullBrake'
  | 'releaseBrake'

const rulesThrough = (ask: Ask): Pick<Admin, Rules> => ({
  listPolicyVersions: (input) => ask(ADMIN.listPolicyVersions, input),
  getPolicyVersion: (input) => ask(ADMIN.getPolicyVersion, input),
  applyPolicies: (input) => ask(ADMIN.applyPolicies, input),
  rollbackPolicies: (input) => ask(ADMIN.rollbackPolicies, input),
  listQuotas: (input) => ask(ADMIN.listQuotas, input),
  resetQuota: (input) => ask(ADMIN.resetQuota, input),
  listBrakes: (input) => ask(ADMIN.listBrakes, input),
  pullBrake: (input) => ask(ADMIN.pullBrake, input),
  releaseBrake: (input) => ask(ADMIN.releaseBrake, input),
})

const feedsThrough = (ask: Ask): Pick<Admin, keyof typeof FEED_OPERATIONS> => ({
  listEvents: (input) => ask(ADMIN.listEvents, input),
  listWebhooks: (input) => ask(ADMIN.listWebhooks, input),
  listDeadLetters: (input) => ask(ADMIN.listDeadLetters, input),
  retryWebhook: (input) => ask(ADMIN.retryWebhook, input),
  dropDeadLetters: (input) => ask(ADMIN.dropDeadLetters, input),
  testWebhook: (input) => ask(ADMIN.testWebhook, input),
})

const ledgerThrough = (ask: Ask): Pick<Admin, keyof typeof LEDGER_OPERATIONS> => ({
  exportLedger: (input) => ask(ADMIN.exportLedger, input),
  getLedgerKey: (input) => ask(ADMIN.getLedgerKey, input),
  rotateLedgerKey: (input) => ask(ADMIN.rotateLedgerKey, input),
  listWitnesses: (input) => ask(ADMIN.listWitnesses, input),
  getReceipt: (input) => ask(ADMIN.getReceipt, input),
})

async function send(
  { method, path }: Pick<Asked<unknown>, 'method' | 'path'>,
  input: object,
  base: URL,
  token: string,
): Promise<Response> {
  const url = new URL(path, base)
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
  try {
    if (method === 'POST') {
      const body = JSON.stringify(input)
      return await fetch(url, {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        body,
      })
    }
    for (const [key, value] of Object.entries(input)) {
      if (value !== undefined) url.searchParams.set(key, String(value))
    }
    return await fetch(url, { method, headers })
  } catch (cause) {
    throw silent(base, cause)
  }
}

const silent = ({ origin }: URL, cause: unknown): Fault =>
  new Fault('upstream/unavailable', `Countersign at ${origin} does not answer.`, { cause })

/** What a refusal says of itself; what is no refusal of ours says at least its status. */
function refusalIn(body: unknown, status: number): Fault {
  const error = isObject(body) ? own(body, 'error') : undefined
  const said = isObject(error) ? error : {}
  const code = textAt(said, 'fault')
  const message = textAt(said, 'message')
  return new Fault(
    isFaultCode(code) ? code : 'upstream/broken',
    message === '' ? `Countersign answered with HTTP ${String(status)}.` : message,
  )
}

const isFaultCode = (code: string): code is FaultCode => Object.hasOwn(FAULTS, code)
