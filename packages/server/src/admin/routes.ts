import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ADMIN, adminStatus, Fault, toFault, type Admin } from '@countersign/contract'
import type { Secret } from '#base'

interface AdminRoute {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly answer: (
    request: IncomingMessage,
    response: ServerResponse,
    body: () => Promise<unknown>,
  ) => Promise<void>
}

/** The admin API over HTTP, for whoever holds the token of the data folder. */
export function adminRoutes(admin: Admin, token: Secret): readonly AdminRoute[] {
  return [
    route(token, ADMIN.listServers, (input) => admin.listServers(input)),
    route(token, ADMIN.listTools, (input) => admin.listTools(input)),
    route(token, ADMIN.listEntries, (input) => admin.listEntries(input)),
    route(token, ADMIN.exportLedger, (input) => admin.exportLedger(input)),
    route(token, ADMIN.getLedgerKey, (input) => admin.getLedgerKey(input)),
    route(token, ADMIN.rotateLedgerKey, (input) => admin.rotateLedgerKey(input)),
    route(token, ADMIN.listWitnesses, (input) => admin.listWitnesses(input)),
    ...ruleRoutes(admin, token),
    route(token, ADMIN.getCustody, (input) => admin.getCustody(input)),
    route(token, ADMIN.getRunCustody, (input) => admin.getRunCustody(input)),
    route(token, ADMIN.readPayloads, (input) => admin.readPayloads(input)),
    route(token, ADMIN.eraseSubject, (input) => admin.eraseSubject(input)),
    route(token, ADMIN.getReceipt, (input) => admin.getReceipt(input)),
    route(token, ADMIN.listTasks, (input) => admin.listTasks(input)),
    route(token, ADMIN.getTask, (input) => admin.getTask(input)),
    route(token, ADMIN.cancelTask, (input) => admin.cancelTask(input)),
    route(token, ADMIN.settleTask, (input) => admin.settleTask(input)),
    route(token, ADMIN.undoTask, (input) => admin.undoTask(input)),
    route(token, ADMIN.listApprovals, (input) => admin.listApprovals(input)),
    route(token, ADMIN.getApproval, (input) => admin.getApproval(input)),
    route(token, ADMIN.decideApproval, (input) => admin.decideApproval(input)),
    route(token, ADMIN.listReviews, (input) => admin.listReviews(input)),
    route(token, ADMIN.reviewApproval, (input) => admin.reviewApproval(input)),
    route(token, ADMIN.listGrants, (input) => admin.listGrants(input)),
    route(token, ADMIN.getGrant, (input) => admin.getGrant(input)),
    route(token, ADMIN.makeGrant, (input) => admin.makeGrant(input)),
    route(token, ADMIN.agreeGrant, (input) => admin.agreeGrant(input)),
    route(token, ADMIN.revokeGrant, (input) => admin.revokeGrant(input)),
    route(token, ADMIN.undoRun, (input) => admin.undoRun(input)),
    route(token, ADMIN.revoke, (input) => admin.revoke(input)),
    route(token, ADMIN.listClients, (input) => admin.listClients(input)),
    route(token, ADMIN.addClient, (input) => admin.addClient(input)),
    route(token, ADMIN.removeClient, (input) => admin.removeClient(input)),
    route(token, ADMIN.rotateKeys, (input) => admin.rotateKeys(input)),
    route(token, ADMIN.listConnections, (input) => admin.listConnections(input)),
    route(token, ADMIN.beginConnection, (input) => admin.beginConnection(input)),
    route(token, ADMIN.removeConnection, (input) => admin.removeConnection(input)),
    route(token, ADMIN.rekeyConnections, (input) => admin.rekeyConnections(input)),
    route(token, ADMIN.listUsers, (input) => admin.listUsers(input)),
    route(token, ADMIN.addUser, (input) => admin.addUser(input)),
    route(token, ADMIN.linkUser, (input) => admin.linkUser(input)),
    route(token, ADMIN.disableUser, (input) => admin.disableUser(input)),
    route(token, ADMIN.removeUser, (input) => admin.removeUser(input)),
    ...feedRoutes(admin, token),
    proof(token),
  ]
}

const ruleRoutes = (admin: Admin, token: Secret): readonly AdminRoute[] => [
  route(token, ADMIN.listPolicyVersions, (input) => admin.listPolicyVersions(input)),
  route(token, ADMIN.getPolicyVersion, (input) => admin.getPolicyVersion(input)),
  route(token, ADMIN.applyPolicies, (input) => admin.applyPolicies(input)),
  route(token, ADMIN.rollbackPolicies, (input) => admin.rollbackPolicies(input)),
  route(token, ADMIN.listQuotas, (input) => admin.listQuotas(input)),
  route(token, ADMIN.resetQuota, (input) => admin.resetQuota(input)),
  route(token, ADMIN.listBrakes, (input) => admin.listBrakes(input)),
  route(token, ADMIN.pullBrake, (input) => admin.pullBrake(input)),
  route(token, ADMIN.releaseBrake, (input) => admin.releaseBrake(input)),
]

const feedRoutes = (admin: Admin, token: Secret): readonly AdminRoute[] => [
  route(token, ADMIN.listEvents, (input) => admin.listEvents(input)),
  route(token, ADMIN.listWebhooks, (input) => admin.listWebhooks(input)),
  route(token, ADMIN.listDeadLetters, (input) => admin.listDeadLetters(input)),
  route(token, ADMIN.retryWebhook, (input) => admin.retryWebhook(input)),
  route(token, ADMIN.dropDeadLetters, (input) => admin.dropDeadLetters(input)),
  route(token, ADMIN.testWebhook, (input) => admin.testWebhook(input)),
]

export const PROOF = '/admin/proof'
const NONCE = /^[\w-]{22,64}$/

/** Shows that its maker holds the token, without the token. */
export const proofOf = (token: Secret, nonce: string): string =>
  createHmac('sha256', token.reveal())
    .update(`countersign is running\n${nonce}`)
    .digest('base64url')

/** Asked before the token is sent: a port that a crash left may be another program's by now. */
const proof = (token: Secret): AdminRoute => ({
  method: 'GET',
  path: PROOF,
  answer: async (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const nonce = searchParams.get('nonce') ?? ''
    if (!NONCE.test(nonce)) throw new Fault('rpc/envelope', 'A nonce is missing or malformed.')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ proof: proofOf(token, nonce) }))
  },
})

interface Operation<Input> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly input: {
    readonly safeParse: (
      value: unknown,
    ) => { readonly success: true; readonly data: Input } | { readonly success: false }
  }
}

const route = <Input>(
  token: Secret,
  { method, path, input }: Operation<Input>,
  run: (input: Input) => Promise<unknown>,
): AdminRoute => ({
  method,
  path,
  answer: async (request, response, body) => {
    try {
      requireToken(request, token)
      const given = method === 'POST' ? asDoubles(await body()) : queryOf(request)
      const read = input.safeParse(given)
      if (!read.success) throw new Fault('rpc/envelope', 'Unknown or malformed parameters.')
      const output = await run(read.data)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(output))
    } catch (thrown) {
      refuse(response, toFault(thrown))
    }
  },
})

const queryOf = (request: IncomingMessage): unknown =>
  Object.fromEntries(new URL(request.url ?? '/', 'http://localhost').searchParams)

/** Numbers that were kept with all their digits become what a program reads. */
const asDoubles = (body: unknown): unknown => JSON.parse(JSON.stringify(body))

/** Says what failed under a status of its own, and by a code that a program can read. */
function refuse(response: ServerResponse, fault: Fault): void {
  const { code, message } = fault
  if (code === 'server/bug') throw fault
  // What is left of a refused body is not read: the connection cannot serve another request.
  if (!response.req.complete) response.setHeader('connection', 'close')
  response.writeHead(adminStatus(code), { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { fault: code, message } }))
}

/** Compares in constant time, so that how far a guess was right does not show. */
export function requireToken(request: IncomingMessage, token: Secret): void {
  const given = Buffer.from(request.headers.authorization ?? '')
  const expected = Buffer.from(`Bearer ${token.reveal()}`)
  if (given.length === expected.length && timingSafeEqual(given, expected)) return
  throw new Fault('auth/required', 'The admin API needs the token of the data folder.')
}
