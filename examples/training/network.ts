/** A network of two layers that reads digits: trained by jax-js, on the processor, always the same way. */
import { setImmediate as turn } from 'node:timers/promises'
import { jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax'
import { SIDE, type Digits } from './digit-files.ts'
import { seeded } from './seeded.ts'

const PIXELS = SIDE * SIDE
const HIDDEN = 64
const KINDS = 10
const BATCH = 50
const RATE = 0.05
const MOMENTUM = 0.9
const INK_MAX = 255

/** How many numbers each layer has, by their names. */
export const SHAPES = { w1: [PIXELS, HIDDEN], b1: [HIDDEN], w2: [HIDDEN, KINDS], b2: [KINDS] }
export type Name = keyof typeof SHAPES

/** What a network knows, as plain numbers. */
export type Numbers = Readonly<Record<Name, Float32Array>>

/** A network in training. Its momentum is part of it: without it, going on is not the same. */
export interface State {
  readonly weights: Numbers
  readonly momentum: Numbers
}

/** The same in the hands of jax-js, which frees an array once it was used: `ref` uses it once more. */
type Layers = Record<Name, np.Array>

/** A network that knows nothing yet. */
export function beginner(seed: number): State {
  const chance = seeded(seed)
  const random = (inputs: number, outputs: number): Float32Array =>
    Float32Array.from({ length: inputs * outputs }, () => (chance() - 0.5) * Math.sqrt(6 / inputs))
  return {
    weights: {
      w1: random(PIXELS, HIDDEN),
      b1: new Float32Array(HIDDEN),
      w2: random(HIDDEN, KINDS),
      b2: new Float32Array(KINDS),
    },
    momentum: {
      w1: new Float32Array(PIXELS * HIDDEN),
      b1: new Float32Array(HIDDEN),
      w2: new Float32Array(HIDDEN * KINDS),
      b2: new Float32Array(KINDS),
    },
  }
}

/** Trains with every digit once, in an order that `seed` chooses. */
export async function trainEpoch(
  state: State,
  digits: Digits,
  { seed, signal }: { readonly seed: number; readonly signal: AbortSignal },
): Promise<{ readonly state: State; readonly loss: number }> {
  const order = shuffled(digits.labels.length, seed)
  let weights = toLayers(state.weights)
  let momentum = toLayers(state.momentum)
  let loss = 0
  for (let first = 0; first + BATCH <= order.length; first += BATCH) {
    signal.throwIfAborted()
    const { images, wanted } = batchOf(digits, order.subarray(first, first + BATCH))
    const after = learn(weights, momentum, images, wanted)
    weights = after.weights
    momentum = after.momentum
    loss += after.loss.item()
    // Whoever asks how far this is gets an answer between two batches.
    await turn()
  }
  const batches = Math.floor(order.length / BATCH)
  return {
    state: { weights: toNumbers(weights), momentum: toNumbers(momentum) },
    loss: loss / batches,
  }
}

/** What a network reads in each image. */
export function classify(weights: Numbers, images: Uint8Array): Uint8Array {
  const count = images.length / PIXELS
  const scores = forward(toLayers(weights), toArray(toInk(images), [count, PIXELS]))
  const best = np.argmax(scores, 1).dataSync()
  return Uint8Array.from(best)
}

function forward({ w1, b1, w2, b2 }: Layers, images: np.Array): np.Array {
  const hidden = nn.relu(np.dot(images, w1).add(b1))
  return np.dot(hidden, w2).add(b2)
}

/** How far the network is from what is wanted: the cross-entropy, the mean of a batch. */
const lossOf = (layers: Layers, images: np.Array, wanted: np.Array): np.Array =>
  nn
    .logSoftmax(forward(layers, images))
    .mul(wanted)
    .sum()
    .mul(-1 / BATCH)

/** One step of gradient descent with momentum. */
const learn = jit((weights: Layers, momentum: Layers, images: np.Array, wanted: np.Array) => {
  const [loss, slope] = valueAndGrad(lossOf)(tree.ref(weights), images, wanted)
  const faster = byName((name) => momentum[name].mul(MOMENTUM).add(slope[name]))
  const better = byName((name) => weights[name].sub(faster[name].ref.mul(RATE)))
  return { loss, weights: better, momentum: faster }
})

function batchOf(
  { images, labels }: Digits,
  chosen: Uint32Array,
): Record<'images' | 'wanted', np.Array> {
  const pixels = new Uint8Array(chosen.length * PIXELS)
  const wanted = new Float32Array(chosen.length * KINDS)
  for (const [at, which] of chosen.entries()) {
    pixels.set(images.subarray(which * PIXELS, (which + 1) * PIXELS), at * PIXELS)
    wanted[at * KINDS + (labels[which] ?? 0)] = 1
  }
  return {
    images: toArray(toInk(pixels), [chosen.length, PIXELS]),
    wanted: toArray(wanted, [chosen.length, KINDS]),
  }
}

/** Fisher and Yates. */
function shuffled(count: number, seed: number): Uint32Array {
  const chance = seeded(seed)
  const order = Uint32Array.from({ length: count }, (_, at) => at)
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(chance() * (at + 1))
    const [one = 0, two = 0] = [order[at], order[other]]
    order[at] = two
    order[other] = one
  }
  return order
}

const toInk = (bytes: Uint8Array): Float32Array => Float32Array.from(bytes, (ink) => ink / INK_MAX)
const toArray = (numbers: Float32Array, shape: number[]): np.Array =>
  np.array(numbers.slice()).reshape(shape)
const toLayers = (numbers: Numbers): Layers =>
  byName((name) => toArray(numbers[name], SHAPES[name]))
const toNumbers = (layers: Layers): Numbers =>
  byName((name) => Float32Array.from(layers[name].dataSync()))

/** The same for each layer. */
export const byName = <Value>(make: (name: Name) => Value): Record<Name, Value> => ({
  w1: make('w1'),
  b1: make('b1'),
  w2: make('w2'),
  b2: make('b2'),
})
