/** testing: durable tools, run to their end in memory, and crashed wherever it may hurt. */
export { runTool, ToolFailed } from './run-tool.ts'
export type { Ran, RunOptions } from './run-tool.ts'
export type { Answers, Asked, Reply } from './answers.ts'
export { crashAfter, crashEverywhere } from './crash.ts'
export type { Crashed, CrashOptions } from './crash.ts'
