/** The package.json of a workspace as it is published: sources become what they were compiled to. */

const KEPT = [
  'name',
  'version',
  'description',
  'keywords',
  'license',
  'type',
  'dependencies',
  'peerDependencies',
]

const compiled = (path, ending) => path.replace('./src/', './dist/').replace(/\.ts$/, ending)

/** `./src/x.ts` becomes the types and the code compiled from it. */
const entryOf = (path) =>
  path.startsWith('./src/')
    ? { types: compiled(path, '.d.ts'), default: compiled(path, '.js') }
    : path

const mapValues = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))

/** A workspace's own `files` name what it ships beside its code. */
export function published(manifest, engines) {
  const kept = Object.fromEntries(
    KEPT.flatMap((key) => (key in manifest ? [[key, manifest[key]]] : [])),
  )
  const { bin, exports, imports, files = [], sideEffects } = manifest
  return {
    ...kept,
    ...(bin && { bin: mapValues(bin, (path) => compiled(path, '.js').slice('./'.length)) }),
    ...(exports && { exports: mapValues(exports, entryOf) }),
    ...(imports && { imports: mapValues(imports, (path) => compiled(path, '.js')) }),
    ...(sideEffects !== undefined && { sideEffects }),
    files: ['dist', ...files],
    engines,
    publishConfig: { access: 'public' },
  }
}
