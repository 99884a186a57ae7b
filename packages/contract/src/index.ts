/** contract: what crosses a wall. Shapes, faults and codecs; pure, browser-safe. */
export * from './canonical.ts'
export * from './fault.ts'
export * from './header-value.ts'
export * from './json.ts'
export * from './mcp.ts'
export * from './tool.ts'
export * from './admin.ts'
export * from './connect.ts'
