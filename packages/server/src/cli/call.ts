import { readFileSync } from 'node:fs'
import {
  Fault,
  isObject,
  own,
  RPC,
  textAt,
  type JsonObject,
  type RpcResponse,
} from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
} from './command.ts'
import { findConfig } from './find-config.ts'
import { print, printJson, type Io } from './io.ts'
import { printResult } from './print-result.ts'
import { printable } from './printable.ts'
import { reachToCall, type Reach } from './reach.ts'
import { followAloud } from './tasks/follow-aloud.ts'
import { bar, partOf } from './tasks/progress.ts'
import { StatusLine } from './tasks/status-line.ts'
import type { Detail } from './tasks/words.ts'

export const call: Command = {
  summary: 'Calls one tool, governed and recorded like any other call.',
  usage: 'call <tool> [--args JSON] [--detach] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    args: { type: 'string', short: 'a' },
    detach: { type: 'boolean', short: 'd' },
  },
  help: `  -a, --args JSON     its arguments; @FILE reads them from a file, - from standard input
  -d, --detach        as soon as the call is a task (after tasks.after at the latest, 5 s by default),
                      prints the id and leaves it to the gateway
${CONFIG_HELP}
${JSON_HELP}

  countersign call everything_echo --args '{"message":"hello"}'

A call that takes long is followed: how far it is shows on standard error, its result on standard
output. Ctrl-C leaves it to the gateway once it is a task, and cancels it before.
Exit code: 0 answered, 1 answered with an error, 2 could not be called, 130 left to the gateway.`,
  run: async (parsed, io) => {
    const [name] = parsed.positionals
    if (name === undefined)
      throw new Fault('rpc/bad-params', 'name a tool; "countersign tools" lists them.')
    const args = readArguments(textOption(parsed, 'args') ?? '{}')
    const isDetached = flag(parsed, 'detach')
    await using gateway = await reachToCall(findConfig(parsed, io), io)
    if (isDetached && !gateway.isRunning) throw nobodyToLeaveItTo()
    const response = await send(io, gateway, name, args)
    const id = taskIn(response)
    if (id !== undefined && isDetached) return leave(io, id, flag(parsed, 'json'))
    const answer = id === undefined ? response : await waitFor(io, gateway, id)
    return answer ? printAnswer(io, answer, flag(parsed, 'json')) : EXIT.interrupted
  },
}

const nobodyToLeaveItTo = (): Fault =>
  new Fault(
    'store/unavailable',
    'no gateway is running that the call could be left to. Run "countersign serve", then call again.',
  )

/** Calls, and shows what the server says of its progress while the call is no task. */
async function send(io: Io, gateway: Reach, name: string, args: JsonObject): Promise<RpcResponse> {
  using line = new StatusLine(io.stderr)
  const onProgress = ({ progress, total, message }: JsonObject): void => {
    if (typeof progress !== 'number') return
    const part = { done: progress, ...(typeof total === 'number' ? { total } : {}) }
    const words = typeof message === 'string' ? `  ${message}` : ''
    line.show(`${name}  ${bar(partOf({ progress: part }))}${words}`)
  }
  const params = { name, arguments: args }
  return gateway.request('tools/call', params, { followsTasks: true, onProgress })
}

/** The id of the task that a call became. */
function taskIn(response: RpcResponse): string | undefined {
  if (!('result' in response) || own(response.result, 'resultType') !== 'task') return undefined
  return textAt(response.result, 'taskId')
}

function leave(io: Io, id: string, asJson: boolean): number {
  if (asJson) printJson(io, { id })
  else print(io, id)
  return EXIT.ok
}

/** Follows the task to its end, and fetches what the call would have been answered. */
async function waitFor(io: Io, gateway: Reach, id: string): Promise<RpcResponse | undefined> {
  const detail = await followAloud(io, gateway, id)
  if (!detail) return undefined
  const response = await gateway.request('tasks/get', { taskId: id }, { followsTasks: true })
  if (!('result' in response)) return response
  const result = own(response.result, 'result')
  if (isObject(result)) return { jsonrpc: '2.0', id: 1, result }
  return { jsonrpc: '2.0', id: 1, error: { code: RPC.internal, message: whyNot(detail) } }
}

function whyNot({ id, state, error }: Detail): string {
  if (state !== 'unknown') return error?.message ?? `${id} is ${state}.`
  return `The outcome is unknown: it may have happened. Find out, then: countersign tasks settle ${id} happened|retry|abandon`
}

function printAnswer(io: Io, response: RpcResponse, asJson: boolean): number {
  if (asJson) printJson(io, 'result' in response ? response.result : response)
  if ('error' in response) {
    if (!asJson) io.stderr.write(`countersign call: ${printable(response.error.message)}\n`)
    return EXIT.failed
  }
  const { result } = response
  const isQuestion = own(result, 'resultType') === 'input_required'
  if (!asJson && isQuestion) print(io, QUESTION)
  else if (!asJson) printResult(io, result)
  return own(result, 'isError') === true || isQuestion ? EXIT.failed : EXIT.ok
}

const QUESTION =
  'The tool asks a question that this command cannot answer. Call it from a client that can.'

function readArguments(given: string): JsonObject {
  const text =
    given === '-'
      ? readFileSync(0, 'utf8')
      : given.startsWith('@')
        ? fileText(given.slice(1))
        : given
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Fault(
      'rpc/bad-params',
      `--args is not JSON: ${cause instanceof Error ? cause.message : ''}`,
    )
  }
  if (isObject(value)) return value
  throw new Fault(
    'rpc/bad-params',
    '--args must be a JSON object, such as \'{"message":"hello"}\'.',
  )
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Fault('rpc/bad-params', `${path} cannot be read.`, { cause })
  }
}
