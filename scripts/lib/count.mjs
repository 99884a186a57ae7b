/** A reporter of node:test that writes what was counted: one JSON object. */

const EMPTY = { tests: 0, passed: 0, failed: 0, skipped: 0, empty: [], failures: [] }

/** A file without tests passes in node:test, as a test named for itself. That is no test. */
const isFileItself = ({ name, nesting, file, details }) =>
  nesting === 0 && details?.type === 'test' && file !== undefined && file.endsWith(name)

export default async function* count(events) {
  const counted = structuredClone(EMPTY)
  for await (const { type, data } of events) {
    if (type === 'test:pass' && isFileItself(data)) counted.empty.push(data.name)
    if (type === 'test:fail' && data.details?.type !== 'suite') counted.failures.push(data.name)
    if (type !== 'test:summary' || data.file !== undefined) continue
    const { tests, passed, failed, cancelled, skipped, todo } = data.counts
    Object.assign(counted, { tests, passed, failed: failed + cancelled, skipped: skipped + todo })
  }
  yield JSON.stringify(counted)
}
