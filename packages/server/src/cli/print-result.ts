import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import { print, type Io } from './io.ts'

/** A tool result for a person: text as it is; everything else as one line that says what it is. */
export function printResult(io: Io, result: JsonObject): void {
  const content = own(result, 'content')
  for (const block of Array.isArray(content) ? content : []) {
    if (!isObject(block)) continue
    const text = own(block, 'text')
    print(io, typeof text === 'string' ? text : `[${textAt(block, 'type')}]`)
  }
}
