/** Prints the JSON Schema of custody documents; with --write, into the file that is published. */
import { writeFileSync } from 'node:fs'
import { custodySchema } from '../../src/admin-custody.ts'

export const schemaFile = new URL('../../custody.schema.json', import.meta.url)
export const schemaText = `${JSON.stringify(custodySchema(), null, 2)}\n`

if (import.meta.main) {
  if (process.argv.includes('--write')) writeFileSync(schemaFile, schemaText)
  else process.stdout.write(schemaText)
}
