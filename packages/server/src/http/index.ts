/** http: the front door: listeners, limits, the table of routes, faults to responses. */
export { approvalMount } from './approval-mount.ts'
export { connectMount } from './connect-mount.ts'
export { openFrontDoor, UPGRADE } from './front-door.ts'
export type { FrontDoor } from './front-door.ts'
export type { FrontDoorRooms, HttpLimits, Mount, Route } from './routes.ts'
