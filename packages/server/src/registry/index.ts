/** registry: which servers and tools exist, and on whose word. */
export { makeCatalog } from './catalog.ts'
export type { Catalog, CatalogRooms, Change } from './catalog.ts'
export { REGISTRY_TABLES } from './catalog-tables.ts'
export type { Listed } from './listed.ts'
export { makeViews } from './views.ts'
export type { Exposed, Found, View, Views } from './views.ts'
export type { ResourceRouter } from './resource-router.ts'
export type { ParamHeader } from './param-headers.ts'
