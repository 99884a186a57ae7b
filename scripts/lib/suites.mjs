/** The suites: which files, how they run, how long they may take. Adding a test file is enough to run it. */

const MINUTE_MS = 60_000

/**
 * `globs` find test files, `args` go to Node, `run` is a program of its own whose last line
 * counts, `limitMs` ends a suite that hangs, `isApart` keeps it out of a plain `npm test`.
 */
export const SUITES = {
  unit: {
    globs: [
      'packages/*/src/**/*.test.ts',
      'test/*.test.ts',
      'packages/*/test/pins/*.test.ts',
      'bench/*.test.ts',
    ],
    // All in one process: a room that keeps state in its walls fails.
    args: ['--test-isolation=none'],
    limitMs: 3 * MINUTE_MS,
  },
  stories: {
    globs: [
      'packages/*/test/{stories,auth,audit,feeds,policy,postgres,redaction,stores,sim,telemetry,upstream,wire,init,vault}/**/*.test.ts',
      'test/records/*.test.ts',
    ],
    // One more than the cores of a small machine: much of it is waiting.
    args: ['--test-concurrency=3'],
    limitMs: 10 * MINUTE_MS,
  },
  e2e: {
    globs: ['test/e2e/*.test.ts', 'examples/*/*.test.ts'],
    args: ['--test-concurrency=2'],
    limitMs: 8 * MINUTE_MS,
  },
  browser: {
    globs: ['test/browser/*.test.ts'],
    args: ['--test-concurrency=1'],
    isApart: true,
    limitMs: 5 * MINUTE_MS,
  },
  clients: {
    globs: ['test/clients/*.test.ts'],
    // The first use installs real agent programs, which all files share.
    args: ['--test-concurrency=1'],
    isApart: true,
    limitMs: 8 * MINUTE_MS,
  },
  crash: {
    globs: ['{packages/*/test,test}/crash/*.test.ts'],
    args: ['--test-concurrency=2'],
    limitMs: 8 * MINUTE_MS,
  },
  conformance: {
    globs: ['test/conformance/*.test.ts'],
    args: ['--test-concurrency=2'],
    run: ['test/conformance/run.ts'],
    limitMs: 8 * MINUTE_MS,
  },
  clientauth: {
    globs: ['test/client-auth/*.test.ts'],
    args: ['--test-concurrency=1'],
    run: ['test/client-auth/run.ts'],
    isApart: true,
    limitMs: 15 * MINUTE_MS,
  },
  authorization: {
    globs: ['test/authorization/*.test.ts'],
    args: ['--test-concurrency=1'],
    limitMs: 3 * MINUTE_MS,
  },
  packaging: {
    globs: ['test/packaging/*.test.ts'],
    args: ['--test-concurrency=1'],
    limitMs: 5 * MINUTE_MS,
  },
}
