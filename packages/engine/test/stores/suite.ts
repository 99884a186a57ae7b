import { portSuite } from './port-suite.ts'
import { engineSuite } from './engine-suite.ts'
import { hostileSuite } from './hostile-suite.ts'
import type { OpenStore } from './samples.ts'

/** What every store must pass: the port by itself, the engine on top of it, and the worst of input. */
export function storeSuite(name: string, open: OpenStore): void {
  portSuite(name, open)
  engineSuite(name, open)
  hostileSuite(name, open)
}
