// What a collector reads: the messages of opentelemetry-proto (trace, logs and metrics v1), by their field numbers.

import { Buffer } from 'node:buffer'

type Value = bigint | Buffer
type Fields = ReadonlyMap<number, readonly Value[]>

/** One protobuf message: its fields by number, in their order. */
function fieldsOf(bytes: Buffer): Fields {
  const fields = new Map<number, Value[]>()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const taken = (size: number): Buffer => {
    at += size
    if (at > bytes.length) throw new RangeError('a message ends before its fields do')
    return bytes.subarray(at - size, at)
  }
  const read = (wire: number): Value => {
    if (wire === 0) return varint()
    if (wire === 1) return taken(8)
    if (wire === 2) return taken(Number(varint()))
    if (wire === 5) return taken(4)
    throw new TypeError(`wire type ${String(wire)}`)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const known = fields.get(tag >> 3) ?? []
    known.push(read(tag & 7))
    fields.set(tag >> 3, known)
  }
  return fields
}

const all = (fields: Fields, number: number): readonly Fields[] =>
  (fields.get(number) ?? []).map((value) => fieldsOf(bytesIn(value)))
const bytesIn = (value: Value | undefined): Buffer =>
  typeof value === 'object' ? value : Buffer.alloc(0)
const bytesAt = (fields: Fields, number: number): Buffer => bytesIn(fields.get(number)?.[0])
const textAt = (fields: Fields, number: number): string => bytesAt(fields, number).toString('utf8')
const hexAt = (fields: Fields, number: number): string => bytesAt(fields, number).toString('hex')
const numberAt = (fields: Fields, number: number): number => {
  const value = fields.get(number)?.[0]
  return typeof value === 'bigint' ? Number(value) : 0
}

type Attribute = string | number | boolean | undefined
export type Attributes = Readonly<Record<string, Attribute>>

function anyOf(fields: Fields): Attribute {
  if (fields.has(1)) return textAt(fields, 1)
  if (fields.has(2)) return numberAt(fields, 2) === 1
  if (fields.has(3)) return numberAt(fields, 3)
  if (fields.has(4)) return bytesAt(fields, 4).readDoubleLE()
  return undefined
}

const attributesAt = (fields: Fields, number: number): Attributes =>
  Object.fromEntries(
    all(fields, number).map((pair) => {
      const [value] = all(pair, 2)
      return [textAt(pair, 1), value && anyOf(value)]
    }),
  )

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'other'
  readonly attributes: Attributes
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly hasFailed: boolean
  readonly statusMessage: string
  readonly startNs: bigint
  readonly endNs: bigint
  readonly resource: Attributes
}

const KINDS = ['other', 'internal', 'server', 'client'] as const

export function spansIn(body: Buffer): readonly ReceivedSpan[] {
  return all(fieldsOf(body), 1).flatMap((ofResource) => {
    const [resource] = all(ofResource, 1)
    const about = resource ? attributesAt(resource, 1) : {}
    return all(ofResource, 2).flatMap((scope) => all(scope, 2).map((span) => spanOf(span, about)))
  })
}

function spanOf(span: Fields, resource: Attributes): ReceivedSpan {
  const [status] = all(span, 15)
  return {
    traceId: hexAt(span, 1),
    spanId: hexAt(span, 2),
    parentId: hexAt(span, 4),
    name: textAt(span, 5),
    kind: KINDS[numberAt(span, 6)] ?? 'other',
    startNs: bytesAt(span, 7).readBigUInt64LE(),
    endNs: bytesAt(span, 8).readBigUInt64LE(),
    attributes: attributesAt(span, 9),
    links: all(span, 13).map((link) => ({ traceId: hexAt(link, 1), spanId: hexAt(link, 2) })),
    hasFailed: status !== undefined && numberAt(status, 3) === 2,
    statusMessage: status ? textAt(status, 2) : '',
    resource,
  }
}

export interface ReceivedLine {
  readonly severity: string
  readonly body: Attribute
  readonly attributes: Attributes
  readonly traceId: string
  readonly spanId: string
}

export function linesIn(body: Buffer): readonly ReceivedLine[] {
  return all(fieldsOf(body), 1).flatMap((ofResource) =>
    all(ofResource, 2).flatMap((scope) =>
      all(scope, 2).map((line) => {
        const [said] = all(line, 5)
        return {
          severity: textAt(line, 3),
          body: said && anyOf(said),
          attributes: attributesAt(line, 6),
          traceId: hexAt(line, 9),
          spanId: hexAt(line, 10),
        }
      }),
    ),
  )
}

export interface ReceivedMetric {
  readonly name: string
  readonly unit: string
  readonly kind: 'gauge' | 'counter' | 'histogram' | 'other'
  /** The labels of each series. */
  readonly series: readonly Attributes[]
}

/** Which field holds the points, and which of a point its attributes. */
const SHAPES = [
  { field: 5, kind: 'gauge', labels: 7 },
  { field: 7, kind: 'counter', labels: 7 },
  { field: 9, kind: 'histogram', labels: 9 },
] as const

export function metricsIn(body: Buffer): readonly ReceivedMetric[] {
  return all(fieldsOf(body), 1).flatMap((ofResource) =>
    all(ofResource, 2).flatMap((scope) => all(scope, 2).map(metricOf)),
  )
}

function metricOf(metric: Fields): ReceivedMetric {
  const shape = SHAPES.find(({ field }) => metric.has(field))
  const points = shape ? all(metric, shape.field).flatMap((data) => all(data, 1)) : []
  return {
    name: textAt(metric, 1),
    unit: textAt(metric, 3),
    kind: shape?.kind ?? 'other',
    series: points.map((point) => attributesAt(point, shape?.labels ?? 7)),
  }
}
