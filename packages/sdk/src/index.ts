/** sdk: how others write governed tools, durable ones too, and serve them in both protocol eras. */
export type { Effect } from '@countersign/contract'
export { NotDone } from '@countersign/engine'
export type { Reconciled, RetryPolicy, StepContext } from '@countersign/engine'
export { TOOL_META } from './definition.ts'
export type { Definition, DefinitionSpec, Returned } from './definition.ts'
export { tool } from './tool.ts'
export type { Tool, ToolSpec } from './tool.ts'
export type { Answer, Context, Level, Question } from './context.ts'
export { durableTool } from './durable/durable-tool.ts'
export type { DurableTool, DurableToolSpec, OnError, ValueOf } from './durable/durable-tool.ts'
export type {
  AskOptions,
  ChildOptions,
  DurableContext,
  UrlQuestion,
  StepOptions,
  UrlAnswer,
} from './durable/durable-context.ts'
export { serve } from './serve.ts'
export type { HttpOptions, ServeOptions, Serving } from './serve.ts'
