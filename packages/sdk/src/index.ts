/** sdk: how others write governed tools, and serve them in both protocol eras. */
export type { Effect } from '@countersign/contract'
export { tool, TOOL_META } from './tool.ts'
export type { Returned, Tool, ToolSpec } from './tool.ts'
export type { Answer, Context, Level, Question } from './context.ts'
export { serve } from './serve.ts'
export type { HttpOptions, ServeOptions, Serving } from './serve.ts'
