/** admin: the control plane: each operation of `contract/admin.ts`, one file each. */
export { makeAdmin } from './make-admin.ts'
export type { AdminRooms } from './make-admin.ts'
export { adminRoutes, PROOF, proofOf, requireToken } from './routes.ts'
