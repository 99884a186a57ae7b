/** admin: the control plane: the operations of `contract/admin.ts`. */
export { endRevokedTasks } from './end-revoked.ts'
export { makeAdmin } from './make-admin.ts'
export type { AdminRooms } from './make-admin.ts'
export { adminRoutes, PROOF, proofOf, requireToken } from './routes.ts'
export { resumeErasures } from './erase.ts'
