/** Prints the JSON Schema of `countersign.yaml`; with --write, into the file that is published. */
import { writeFileSync } from 'node:fs'
import { configJsonSchema } from '#config'

export const schemaFile = new URL('../../countersign.schema.json', import.meta.url)
export const schemaText = `${JSON.stringify(configJsonSchema(), null, 2)}\n`

if (import.meta.main) {
  if (process.argv.includes('--write')) writeFileSync(schemaFile, schemaText)
  else process.stdout.write(schemaText)
}
