/**
 * Rows that the official suite proves, and by which scenarios: each of them passes through the gateway,
 * client and server being of one era (`test/conformance`).
 */
export const BY_CONFORMANCE: Readonly<Record<string, readonly string[]>> = {
  'H-005': ['server-stateless'],
  'H-006': ['server-stateless'],
  'H-009': ['server-stateless'],
  'H-022': ['dns-rebinding-protection'],
  'H-084': ['server-sse-multiple-streams'],
  'V-008': ['ping', 'logging-set-level'],
  'V-021': ['server-stateless'],
  'V-022': ['server-stateless'],
  'V-023': ['server-stateless'],
  'F-005': ['tools-list', 'prompts-list', 'resources-list'],
  'F-033': ['resources-subscribe', 'resources-unsubscribe'],
  'L-008': ['server-stateless'],
  'P-023': ['server-stateless'],
  'CF-001': ['server-initialize', 'server-stateless'],
  // Each scenario also checks every message that it gets against the schema of its revision.
  'CF-002': ['tools-call-simple-text', 'caching', 'input-required-result-result-type'],
  'CF-004': ['server-initialize', 'tools-call-sampling', 'tools-call-elicitation'],
  'CF-005': ['input-required-result-basic-sampling', 'input-required-result-basic-list-roots'],
  'CF-006': ['tools-call-simple-text', 'resources-read-text', 'prompts-get-simple'],
  'CF-007': ['http-header-validation'],
  // Those of tasks come with tasks.
  'CF-008': [
    'http-header-validation',
    'http-custom-header-server-validation',
    'json-schema-2020-12',
    'server-session-lifecycle',
    'server-sse-polling',
  ],
}
