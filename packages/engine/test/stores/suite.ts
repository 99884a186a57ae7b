import { portSuite } from './port-suite.ts'
import { engineSuite } from './engine-suite.ts'
import type { OpenStore } from './samples.ts'

/** What every store must pass: the port by itself, and the engine on top of it. */
export function storeSuite(name: string, open: OpenStore): void {
  portSuite(name, open)
  engineSuite(name, open)
}
