import { z } from 'zod'
import { count, text, texts } from './shapes.ts'

/** What policies were told of a call and of the calls before it: labels of what was called. */
export const flow = z.strictObject({
  /** Of what is called. */
  labels: texts,
  /** Of what its run has called before. */
  run: texts,
  /** Of what its principal has called lately. */
  recent: texts,
})

/** What runs have touched, and what was found in what went in and out. */
export const FLOW_ENTRIES = {
  /** A run has called something of a kind for the first time, or for the first time in a while. */
  'run.labelled': z.strictObject({ principal: text, run: text, call: text, labels: texts }),
  /** Kinds and how often; never what it was. */
  'call.screened': z.strictObject({
    call: text,
    principal: text,
    server: text,
    name: text,
    direction: z.enum(['in', 'out']),
    found: z.record(z.string(), count),
    done: z.enum(['block', 'mask', 'record']),
    /** It was too large, or too deep, to be looked at whole. */
    unseen: z.boolean().optional(),
  }),
} as const
