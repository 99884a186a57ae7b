import { z } from 'zod'
import { configSchema } from './schema.ts'

export const CONFIG_SCHEMA_URL = 'https://unpkg.com/countersign/countersign.schema.json'

/** What editors check `countersign.yaml` with: printed from the schema that reads it. */
export function configJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' })
  return {
    $schema,
    $id: CONFIG_SCHEMA_URL,
    title: 'countersign.yaml',
    ...rest,
  }
}
