/** base: the few words every room speaks, and the window outside. */
export { Secret } from './secret.ts'
export { systemWorld } from './world.ts'
export type { Child, SpawnSpec, World } from './world.ts'
export { keyFile } from './key-file.ts'
export { digestOf, newId } from './id.ts'
export { LineReader } from './line-reader.ts'
export { makeSeal } from './seal.ts'
export type { Seal } from './seal.ts'
