import { isObject, own, without, type Definition, type JsonObject } from '@countersign/contract'
import { readParamHeaders, stripParamHeaders } from './param-headers.ts'
import { plainSchema } from './plain-schema.ts'

/**
 * The body of a tool as one view shows it. A single-server view keeps every keyword of the server; an
 * aggregated one gives the tool its exposed name and a schema that no client dies of.
 */
export function exposedTool(
  { body, name: original }: Definition,
  exposed: string | undefined,
): JsonObject {
  // F-017: `execution` speaks of tasks, which are offered by the gateway or not at all.
  const sound = withSoundHeaders(without(body, ['execution']))
  if (exposed === undefined) return sound
  const schema = own(sound, 'inputSchema')
  const { schema: inputSchema, rule } = plainSchema(isObject(schema) ? schema : { type: 'object' })
  const description = own(sound, 'description')
  const said = typeof description === 'string' ? description : ''
  return {
    ...sound,
    name: exposed,
    title: own(sound, 'title') ?? original,
    inputSchema,
    ...(rule === undefined ? {} : { description: said === '' ? rule : `${rule} ${said}` }),
  }
}

function withSoundHeaders(tool: JsonObject): JsonObject {
  const schema = own(tool, 'inputSchema')
  if (!isObject(schema) || readParamHeaders(schema) !== undefined) return tool
  return { ...tool, inputSchema: stripParamHeaders(schema) }
}
