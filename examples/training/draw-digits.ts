/** Digits as if written by many hands: strokes, bent, slanted, moved, thick or thin, on a dirty page. */
import { SIDE, type Digits } from './digit-files.ts'
import { seeded } from './seeded.ts'

type Point = readonly [x: number, y: number]
type Stroke = readonly Point[]
type Chance = () => number

const BENDS = 10

/** Part of an ellipse; angles in turns, clockwise from the right. */
function arc(middle: Point, radii: Point, from: number, to: number): Stroke {
  return Array.from({ length: BENDS + 1 }, (_, at) => {
    const angle = 2 * Math.PI * (from + ((to - from) * at) / BENDS)
    return [middle[0] + radii[0] * Math.cos(angle), middle[1] + radii[1] * Math.sin(angle)]
  })
}

/** The ten digits in a square from 0 to 1, y downwards. */
const SHAPES: readonly (readonly Stroke[])[] = [
  [arc([0.5, 0.5], [0.28, 0.4], 0, 1)],
  [
    [
      [0.35, 0.28],
      [0.54, 0.1],
      [0.54, 0.9],
    ],
  ],
  [[...arc([0.5, 0.32], [0.26, 0.22], 0.5, 1.08), [0.24, 0.9], [0.78, 0.9]]],
  [arc([0.48, 0.3], [0.25, 0.2], 0.6, 1.25), arc([0.48, 0.7], [0.28, 0.2], 0.75, 1.4)],
  [
    [
      [0.64, 0.9],
      [0.64, 0.1],
      [0.22, 0.64],
      [0.82, 0.64],
    ],
  ],
  [
    [
      [0.74, 0.1],
      [0.34, 0.1],
      [0.31, 0.46],
    ],
    arc([0.48, 0.65], [0.27, 0.24], 0.65, 1.4),
  ],
  [
    [
      [0.66, 0.1],
      [0.34, 0.45],
    ],
    arc([0.5, 0.67], [0.24, 0.23], 0, 1),
  ],
  [
    [
      [0.24, 0.1],
      [0.76, 0.1],
      [0.42, 0.9],
    ],
  ],
  [arc([0.5, 0.3], [0.22, 0.19], 0, 1), arc([0.5, 0.7], [0.26, 0.21], 0, 1)],
  [
    arc([0.5, 0.33], [0.24, 0.23], 0, 1),
    [
      [0.74, 0.35],
      [0.6, 0.9],
    ],
  ],
]

/** As many digits as asked for, every one of the ten equally often. */
export function drawDigits(count: number, seed: number): Digits {
  const chance = seeded(seed)
  const images = new Uint8Array(count * SIDE * SIDE)
  const labels = new Uint8Array(count)
  for (let at = 0; at < count; at++) {
    const digit = at % SHAPES.length
    labels[at] = digit
    images.set(draw(SHAPES[digit] ?? [], chance), at * SIDE * SIDE)
  }
  return { images, labels }
}

function draw(shape: readonly Stroke[], chance: Chance): Uint8Array {
  const bent = bend(chance)
  const strokes = shape.map((stroke) => stroke.map(bent))
  const thickness = between(chance, 0.04, 0.1)
  const dirt = between(chance, 0.1, 0.4)
  return Uint8Array.from({ length: SIDE * SIDE }, (_, at) => {
    const pixel: Point = [((at % SIDE) + 0.5) / SIDE, (Math.floor(at / SIDE) + 0.5) / SIDE]
    const ink = Math.max(0, 1.4 - distance(pixel, strokes) / thickness)
    return 255 * Math.min(1, Math.min(1, ink) + dirt * chance())
  })
}

/** One hand: it turns, slants, stretches and moves what it writes, and trembles. */
function bend(chance: Chance): (point: Point) => Point {
  const turn = between(chance, -0.25, 0.25)
  const slant = between(chance, -0.35, 0.35)
  const [wide, high] = [between(chance, 0.65, 1.05), between(chance, 0.7, 1.05)]
  const [right, down] = [between(chance, 0.42, 0.58), between(chance, 0.42, 0.58)]
  return ([x, y]) => {
    const [u, v] = [(x - 0.5) * wide + (y - 0.5) * slant, (y - 0.5) * high]
    return [
      right + u * Math.cos(turn) - v * Math.sin(turn) + between(chance, -0.02, 0.02),
      down + u * Math.sin(turn) + v * Math.cos(turn) + between(chance, -0.02, 0.02),
    ]
  }
}

function distance(from: Point, strokes: readonly Stroke[]): number {
  let least = Infinity
  for (const stroke of strokes) {
    for (let at = 1; at < stroke.length; at++) {
      const [start, end] = [stroke[at - 1], stroke[at]]
      if (start && end) least = Math.min(least, squareTo(from, start, end))
    }
  }
  return Math.sqrt(least)
}

/** The square of the distance from a point to a line between two others. */
function squareTo(from: Point, start: Point, end: Point): number {
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]]
  const [x, y] = [from[0] - start[0], from[1] - start[1]]
  const along = Math.min(1, Math.max(0, (x * dx + y * dy) / (dx * dx + dy * dy)))
  return (x - along * dx) ** 2 + (y - along * dy) ** 2
}

const between = (chance: Chance, low: number, high: number): number => low + chance() * (high - low)
