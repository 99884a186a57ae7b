/** Every Node since 12 must parse this file and start.mjs, or an old one prints a syntax error instead of this line. */

/** True when `version` ("22.18.0", a leading v is fine) is `major.minor` or newer. */
export function isAtLeast(version, major, minor) {
  const parts = version.replace('v', '').split('.').map(Number)
  return parts[0] > major || (parts[0] === major && parts[1] >= minor)
}

/** Ends the process with one line when this Node cannot even install the right one. */
export function needsNode20() {
  if (isAtLeast(process.version, 20, 0)) return
  process.stderr.write(
    'Countersign needs Node 20 or newer; this is ' + process.version + '. See https://nodejs.org\n',
  )
  process.exit(1)
}
