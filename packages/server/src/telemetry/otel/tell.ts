import { SpanKind, type Attributes, type Tracer } from '@opentelemetry/api'
import { digestOf, type World } from '#base'
import type { About, Answered, Called, Incoming, Sent, Telemetry } from '../telemetry.ts'
import { errorOf, methodOf, reasonOf, type ToolLabels } from './labels.ts'
import type { Measures } from './measures.ts'
import { ATTRIBUTES as A } from './names.ts'
import { begin, contextOf, finish, idsOf, nameOf, short } from './spans.ts'

interface Tellers {
  readonly world: World
  /** Undefined where nobody collects traces: then those of clients pass as they are. */
  readonly tracer: Tracer | undefined
  /** Undefined where nobody asks for figures. */
  readonly measures: Measures | undefined
  readonly tools: ToolLabels
}

/** Spans and figures of what happens, in the words of the conventions. */
export const makeTelemetry = (tellers: Tellers): Telemetry => ({
  isOn: true,
  request: request(tellers),
  call: call(tellers),
  tracks: tracks(tellers),
  refused: (fault) => tellers.measures?.refused(fault),
  noted: (kind) => tellers.measures?.noted(kind),
})

const request =
  ({ world, tracer, measures, tools }: Tellers): Telemetry['request'] =>
  (incoming, from) => {
    const startedAt = world.monotonic()
    const method = methodOf(incoming.method)
    const attributes = incomingAttributes(incoming)
    const span = begin(tracer, { name: method, kind: SpanKind.SERVER, attributes }, from)
    return {
      context: contextOf(span, from),
      ids: idsOf(span),
      end: (answered, about) => {
        const error = errorOf(answered)
        const target = targetOf(method, about)
        span.updateName(nameOf(method, about.tool ?? about.prompt))
        span.setAttributes({ ...target, ...endAttributes(answered, error) })
        finish(span, error)
        if (answered.fault !== undefined) measures?.refused(answered.fault)
        measures?.served(world.monotonic() - startedAt, {
          ...operationLabels(incoming, method),
          ...labelled(tools, target, about),
          ...errorLabels(answered, error),
        })
      },
    }
  }

const call =
  ({ world, tracer, measures }: Tellers): Telemetry['call'] =>
  (called, from) => {
    const startedAt = world.monotonic()
    const { server, name } = called
    const told = isNamed(called.method) ? name : undefined
    const attributes = calledAttributes(called)
    const beginning = { name: nameOf('call', server, told), kind: SpanKind.INTERNAL, attributes }
    const span = begin(tracer, beginning, from)
    return {
      context: contextOf(span, from),
      end: (came) => {
        const { outcome, isError, reason } = came
        span.setAttribute(A.outcome, outcome)
        const error = isError === true ? 'tool_error' : reason && reasonOf(reason)
        if (error !== undefined) span.setAttribute(A.errorType, error)
        finish(span, error)
        measures?.called(world.monotonic() - startedAt, called, came)
      },
    }
  }

const tracks =
  ({ world, tracer, measures, tools }: Tellers): NonNullable<Telemetry['tracks']> =>
  (sent, from) => {
    const startedAt = world.monotonic()
    const method = methodOf(sent.method)
    const target = targetOf(method, sent)
    const attributes = { ...sentAttributes(sent), ...target }
    const name = nameOf(method, sent.tool ?? sent.prompt)
    const span = begin(tracer, { name, kind: SpanKind.CLIENT, attributes }, from)
    return {
      context: contextOf(span, from) ?? (from?.isPast === true ? undefined : from?.trace),
      end: (answered) => {
        const error = errorOf(answered)
        span.setAttributes(endAttributes(answered, error))
        finish(span, error)
        measures?.sent(world.monotonic() - startedAt, {
          ...operationLabels(sent, method),
          ...labelled(tools, target, sent),
          ...errorLabels(answered, error),
        })
      },
    }
  }

const incomingAttributes = ({
  method,
  id,
  revision,
  session,
  address,
  isHttp,
}: Incoming): Attributes => ({
  [A.method]: methodOf(method),
  [A.revision]: revision,
  [A.requestId]: short(String(id)),
  ...wire(isHttp),
  // Whoever has the id of a session has the session: what is told is its digest.
  ...(session === undefined ? {} : { [A.session]: digestOf(session).slice(-16) }),
  ...(address === undefined ? {} : { [A.clientAddress]: address }),
})

const sentAttributes = ({
  server,
  method,
  id,
  revision,
  isHttp,
  address,
  port,
}: Sent): Attributes => ({
  [A.method]: methodOf(method),
  [A.server]: server,
  [A.requestId]: String(id),
  ...(revision === undefined ? {} : { [A.revision]: revision }),
  ...wire(isHttp),
  ...(address === undefined ? {} : { [A.serverAddress]: address }),
  ...(port === undefined ? {} : { [A.serverPort]: port }),
})

const calledAttributes = (called: Called): Attributes => ({
  [A.method]: methodOf(called.method),
  [A.call]: called.call,
  [A.server]: called.server,
  [A.view]: called.view,
  [A.effect]: called.effect,
  [A.decision]: called.decision.kind,
  [A.round]: called.round,
  ...(called.method === 'tools/call' ? { [A.tool]: called.name } : {}),
  ...(called.method === 'prompts/get' ? { [A.prompt]: called.name } : {}),
})

/** A resource is named by what it is about: its URI is not told. */
const isNamed = (method: string): boolean => method === 'tools/call' || method === 'prompts/get'

const wire = (isHttp: boolean): Attributes =>
  isHttp ? { [A.transport]: 'tcp', [A.protocol]: 'http' } : { [A.transport]: 'pipe' }

const targetOf = (method: string, { server, tool, prompt }: About): Attributes => ({
  ...(server === undefined ? {} : { [A.server]: server }),
  ...(method === 'tools/call' ? { [A.operation]: 'execute_tool' } : {}),
  ...(tool === undefined ? {} : { [A.tool]: tool }),
  ...(prompt === undefined ? {} : { [A.prompt]: prompt }),
})

const operationLabels = (
  { revision, isHttp }: Pick<Sent, 'revision' | 'isHttp'>,
  method: string,
): Attributes => ({
  [A.method]: method,
  ...(revision === undefined ? {} : { [A.revision]: revision }),
  ...wire(isHttp),
})

/** The same names as on the span, but no more of them than fit. */
const labelled = (tools: ToolLabels, target: Attributes, about: About): Attributes => ({
  ...target,
  ...(about.tool === undefined ? {} : { [A.tool]: tools.of(about.server ?? '', about.tool) }),
  ...(about.prompt === undefined ? {} : { [A.prompt]: tools.of(about.server ?? '', about.prompt) }),
})

const errorLabels = ({ error: code }: Answered, error: string | undefined): Attributes =>
  error === undefined
    ? {}
    : { [A.errorType]: error, ...(code === undefined ? {} : { [A.statusCode]: error }) }

const endAttributes = (answered: Answered, error: string | undefined): Attributes => {
  const { fault, error: code } = answered
  return {
    ...(error === undefined ? {} : { [A.errorType]: error }),
    ...(code === undefined ? {} : { [A.statusCode]: String(code) }),
    ...(fault === undefined ? {} : { [A.fault]: reasonOf(fault) }),
  }
}
