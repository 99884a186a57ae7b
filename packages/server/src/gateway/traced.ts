import { own, textAt, toFault, type RpcRequest, type RpcResponse } from '@countersign/contract'
import type { Ledger, OpenEntry, Opening } from '#audit'
import type { View } from '#registry'
import type { CallSpan, Ids, RequestSpan, Telemetry } from '#telemetry'
import type { Asked, Client, Whence } from './asked.ts'
import type { LegacyRequest, LegacyServed } from './legacy.ts'
import type { ModernRequest, Served } from './modern.ts'
import { isOwnTool } from './own-tools.ts'
import { whenceOf, type From } from './whence.ts'

interface Rooms {
  readonly telemetry: Telemetry
}

/** Follows one modern request, where somebody listens; nothing else is done where nobody does. */
export function tracedModern(
  { telemetry }: Rooms,
  modern: ModernRequest,
  serve: (modern: ModernRequest) => Promise<Served>,
): Promise<Served> {
  if (!telemetry.isOn) return serve(modern)
  const { request, envelope, headers, address, view } = modern
  const { method, id } = request
  const { revision } = envelope
  const span = telemetry.request(
    { method, id, revision, isHttp: headers !== undefined, address },
    whenceOf(request.params, { headers, address }),
  )
  return ended(span, view, request, serve({ ...modern, span }))
}

/** The same for a request of a session. */
export function tracedLegacy(
  { telemetry }: Rooms,
  legacy: LegacyRequest,
  serve: (legacy: LegacyRequest) => Promise<LegacyServed>,
): Promise<LegacyServed> {
  if (!telemetry.isOn) return serve(legacy)
  const { request, session, from, view } = legacy
  const { method, id } = request
  const { revision } = session.facts
  const isHttp = from?.headers !== undefined
  const span = telemetry.request(
    { method, id, revision, isHttp, session: session.id, address: from?.address },
    whenceOf(request.params, from),
  )
  return ended(span, view, request, serve({ ...legacy, span }))
}

/** And for the first request of a session, which has none yet. */
export async function tracedFirst<Opened extends { readonly response: RpcResponse }>(
  { telemetry }: Rooms,
  first: {
    readonly view: View
    readonly request: RpcRequest
    readonly revision: string
    readonly from: From | undefined
  },
  serve: () => Promise<Opened>,
): Promise<Opened> {
  if (!telemetry.isOn) return serve()
  const { view, request, revision, from } = first
  const { method, id, params } = request
  const span = telemetry.request(
    { method, id, revision, isHttp: from?.headers !== undefined, address: from?.address },
    whenceOf(params, from),
  )
  return ended(span, view, request, serve())
}

async function ended<Said extends LegacyServed>(
  span: RequestSpan,
  view: View,
  request: RpcRequest,
  serving: Promise<Said>,
): Promise<Said> {
  try {
    const served = await serving
    const { response, fault } = served
    const error = response && 'error' in response ? response.error.code : undefined
    const isToolError =
      response && 'result' in response ? own(response.result, 'isError') === true : false
    // No answer: its client cancelled it.
    const code = response ? fault?.code : 'call/cancelled'
    span.end({ fault: code, error, isToolError }, aboutOf(view, request))
    return served
  } catch (thrown) {
    span.end({ fault: 'server/bug' }, aboutOf(view, request))
    throw thrown
  }
}

/** Names as the catalogue has them: what only a client says is told to nobody. */
function aboutOf(view: View, { method, params = {} }: RpcRequest) {
  if (method === 'tools/call') {
    if (isOwnTool({ method, params })) return { tool: textAt(params, 'name') }
    const found = view.find('tool', textAt(params, 'name'))
    return found?.exposed ? { server: found.server, tool: found.name } : {}
  }
  if (method !== 'prompts/get') return {}
  const found = view.find('prompt', textAt(params, 'name'))
  return found?.exposed ? { server: found.server, prompt: found.name } : {}
}

/** Where a call comes from: the request that we follow, or whatever its client said. */
export const within = (whence: Whence, span: RequestSpan | undefined): Whence =>
  span?.context ? { ...whence, trace: span.context } : whence

const NO_IDS: Ids = {}
export const idsOf = (span: RequestSpan | undefined): Ids => span?.ids ?? NO_IDS

/** What cannot be written down is not done, which is told too. */
export async function openTold(
  ledger: Ledger,
  opening: Opening,
  span: CallSpan,
  payload?: Parameters<Ledger['open']>[1],
): Promise<OpenEntry> {
  try {
    return await ledger.open(opening, payload)
  } catch (thrown) {
    span.end({ outcome: 'failed', reason: toFault(thrown).code })
    throw thrown
  }
}

/** What goes out for a call follows from it or, where nobody listens, from what its client said. */
export function followed(client: Client, span: CallSpan, { whence }: Asked): Client {
  const trace = span.context ?? whence?.trace
  return trace === undefined ? client : { ...client, origin: { trace } }
}
