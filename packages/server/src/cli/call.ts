import { readFileSync } from 'node:fs'
import { Fault, isObject, own, textAt, type JsonObject } from '@countersign/contract'
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
import { printable } from './printable.ts'
import { reach } from './reach.ts'

export const call: Command = {
  summary: 'Calls one tool, governed and recorded like any other call.',
  usage: 'call <tool> [--args JSON] [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION, args: { type: 'string', short: 'a' } },
  help: `  -a, --args JSON     its arguments; @FILE reads them from a file, - from standard input
${CONFIG_HELP}
${JSON_HELP}

  countersign call everything_echo --args '{"message":"hello"}'

Exit code: 0 answered, 1 answered with an error, 2 could not be called.`,
  run: async (parsed, io) => {
    const [name] = parsed.positionals
    if (name === undefined)
      throw new Fault('rpc/bad-params', 'name a tool; "countersign tools" lists them.')
    const args = readArguments(textOption(parsed, 'args') ?? '{}')
    await using gateway = await reach(findConfig(parsed, io), io)
    const response = await gateway.request('tools/call', { name, arguments: args })
    if (flag(parsed, 'json')) printJson(io, 'result' in response ? response.result : response)
    if ('error' in response) {
      if (!flag(parsed, 'json'))
        io.stderr.write(`countersign call: ${printable(response.error.message)}\n`)
      return EXIT.failed
    }
    if (!flag(parsed, 'json')) printResult(io, response.result)
    const isFine =
      own(response.result, 'isError') !== true &&
      own(response.result, 'resultType') !== 'input_required'
    return isFine ? EXIT.ok : EXIT.failed
  },
}

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

/** Text as it is; everything else as one line that says what it is. */
function printResult(io: Io, result: JsonObject): void {
  if (own(result, 'resultType') === 'input_required') {
    print(
      io,
      'The tool asks a question that this command cannot answer. Call it from a client that can.',
    )
    return
  }
  const content = own(result, 'content')
  for (const block of Array.isArray(content) ? content : []) {
    if (!isObject(block)) continue
    const text = own(block, 'text')
    print(io, typeof text === 'string' ? text : `[${textAt(block, 'type')}]`)
  }
}
