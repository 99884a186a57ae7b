/** auth/embedded: the authorization server. Takes long to load: opened only where it is configured. */
export { grantsExtension } from '../grants/grants-extension.ts'
export { openAuthorizationServer } from './authorization-server.ts'
