/**
 * A reporter of node:test that writes what was counted: one JSON object a line, each replacing the one
 * before, so that a run that hangs has counted as far as it came.
 */

/** A file without tests passes in node:test, as a test named for itself. That is no test. */
const isFileItself = ({ name, nesting, file, details }) =>
  nesting === 0 && details?.type === 'test' && file !== undefined && file.endsWith(name)

export default async function* count(events) {
  const counted = { passed: 0, failed: 0, skipped: 0, empty: [], failures: [], isWhole: false }
  for await (const { type, data } of events) {
    if (data.details?.type === 'suite') continue
    if (type === 'test:pass') {
      if (isFileItself(data)) counted.empty.push(data.name)
      else if (data.skip === undefined) counted.passed++
      else counted.skipped++
    } else if (type === 'test:fail') {
      counted.failures.push(data.name)
      counted.failed++
    } else if (type === 'test:summary' && data.file === undefined) counted.isWhole = true
    else continue
    yield `${JSON.stringify(counted)}\n`
  }
}
