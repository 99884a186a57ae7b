// What the fixture tools do that ask nothing: one script each, played on the stage of either SDK.

import { FIXED_RESULTS, text, type Loose, type ToolResult } from './catalogue.ts'
import { setTimeout as pause } from 'node:timers/promises'

/** What a running call can do besides answering; each SDK fills it in its own way. */
export interface Stage {
  log(words: string): Promise<void>
  /** Absent when the caller sent no progress token: none may be invented. */
  readonly progress?: (done: number) => Promise<void>
  /** Ends the response stream, if this call has one that can be resumed. */
  hangUp(): void
  announce(list: 'tools' | 'prompts'): Promise<void>
}

type Script = (stage: Stage, args: Loose) => Promise<ToolResult>

/** The suite wants steps of about this length, so that buffering would show. */
const STEP_MS = 50
/** Longer than a client needs to come back, so that the result really meets a resumed stream. */
const AWAY_MS = 100

const logThrice: Script = async (stage) => {
  await stage.log('Tool execution started')
  await pause(STEP_MS)
  await stage.log('Tool processing data')
  await pause(STEP_MS)
  await stage.log('Tool execution completed')
  return text('Tool with logging executed successfully')
}

const reportProgress: Script = async (stage) => {
  if (stage.progress === undefined) return text('No progress token, no progress')
  await stage.progress(0)
  await pause(STEP_MS)
  await stage.progress(50)
  await pause(STEP_MS)
  await stage.progress(100)
  return text('Tool with progress executed successfully')
}

const greet: Script = async (_stage, args) =>
  typeof args['name'] === 'string'
    ? text(`Hello, ${args['name']}!`)
    : { ...text('greet needs a name'), isError: true }

/** Longer than a gateway waits before it makes a task of such a call. */
const A_WHILE_MS = 600

/** A minute is asked of what is cancelled at once; directly, somebody would wait for it. */
const SECONDS_MAX = 5

const compute: Script = async (_stage, { seconds, label }) => {
  const wanted = typeof seconds === 'number' ? Math.min(seconds, SECONDS_MAX) : 0
  await pause(A_WHILE_MS + wanted * 1_000)
  return text(`computed ${String(label)}`)
}

const fail: Script = async () => {
  await pause(A_WHILE_MS)
  return { ...text('The job failed, as it was meant to'), isError: true }
}

const throwUp: Script = async () => {
  await pause(A_WHILE_MS)
  throw new Error('The job broke, as it was meant to')
}

const mirrored: Script = async (_stage, args) => text(`region=${JSON.stringify(args['region'])}`)

export const SCRIPTS: Readonly<Record<string, Script>> = {
  ...Object.fromEntries(
    Object.entries(FIXED_RESULTS).map(([name, result]): [string, Script] => [
      name,
      async () => result,
    ]),
  ),
  greet,
  slow_compute: compute,
  failing_job: fail,
  protocol_error_job: throwUp,
  json_schema_2020_12_tool: async (_stage, args) => text(`Called with ${JSON.stringify(args)}`),
  test_x_mcp_header: mirrored,
  test_tool_with_logging: logThrice,
  test_tool_with_progress: reportProgress,
  test_logging_tool: async (stage) => {
    await stage.log('test_logging_tool ran')
    return text('Logged if allowed')
  },
  test_reconnection: async (stage) => {
    stage.hangUp()
    await pause(AWAY_MS)
    return text('Reconnection test completed successfully')
  },
  test_trigger_tool_change: async (stage) => {
    await stage.announce('tools')
    return text('Announced a change of tools')
  },
  test_trigger_prompt_change: async (stage) => {
    await stage.announce('prompts')
    return text('Announced a change of prompts')
  },
}
