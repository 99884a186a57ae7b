import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonical, Fault, FAULTS, type FaultCode, type JsonObject } from '@countersign/contract'
import { fromRecord, toRecord, type Ended } from './outcome.ts'

const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)))
const object = fc
  .dictionary(fc.string(), json)
  .map((value): JsonObject => JSON.parse(JSON.stringify(value)))
const code = fc.constantFrom<FaultCode>(
  ...Object.keys(FAULTS).filter((one): one is FaultCode => Object.hasOwn(FAULTS, one)),
)
const ended: fc.Arbitrary<Ended> = fc.oneof(
  fc.record({ kind: fc.constant('answered' as const), result: object, server: fc.string() }),
  fc.record({
    kind: fc.constant('errored' as const),
    error: fc.record({ code: fc.integer(), message: fc.string() }),
    server: fc.string(),
  }),
  fc.record({
    kind: fc.constant('refused' as const),
    fault: fc.tuple(code, fc.string()).map(([name, words]) => new Fault(name, words)),
  }),
)

test('an outcome is read back from the journal as it was, a cause excepted', () => {
  fc.assert(
    fc.property(ended, (one) => {
      const back = fromRecord(JSON.parse(JSON.stringify(toRecord(one))))
      if (one.kind !== 'refused') assert.equal(canonical({ ...back }), canonical({ ...one }))
      else {
        assert.ok(back.kind === 'refused')
        assert.deepEqual(
          [back.fault.code, back.fault.message, back.fault.data],
          [one.fault.code, one.fault.message, one.fault.data],
        )
      }
    }),
  )
})

test('whatever else stands in a journal is a refusal, never a crash', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const read = fromRecord(JSON.parse(JSON.stringify(value ?? null)))
      assert.ok(['answered', 'errored', 'refused'].includes(read.kind))
    }),
  )
})
