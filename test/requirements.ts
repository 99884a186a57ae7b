/** Every sentence of the protocol that we owe, with an id. `requirements.test.ts` looks for proofs. */
import { AUTHORIZATION_SERVER } from './requirements/authorization-server.ts'
import { BRIDGE } from './requirements/bridge.ts'
import { CONFLICTS } from './requirements/conflicts.ts'
import { CUSTODY } from './requirements/custody.ts'
import { EVENTS } from './requirements/events.ts'
import { FEATURES } from './requirements/features.ts'
import { FLOW } from './requirements/flow.ts'
import { HTTP_EXCHANGE } from './requirements/http-exchange.ts'
import { HTTP_REQUEST } from './requirements/http-request.ts'
import { INPUT } from './requirements/input.ts'
import { LEDGER } from './requirements/ledger.ts'
import { LIFECYCLE } from './requirements/lifecycle.ts'
import { LIMITS } from './requirements/limits.ts'
import { LISTEN } from './requirements/listen.ts'
import { NODES } from './requirements/nodes.ts'
import { OAUTH_CLIENT } from './requirements/oauth-client.ts'
import { POLICY } from './requirements/policy.ts'
import { PROGRESS } from './requirements/progress.ts'
import { PROOFS } from './requirements/proofs.ts'
import { QUIRKS_OTHER } from './requirements/quirks-other.ts'
import { QUIRKS_SDK } from './requirements/quirks-sdk.ts'
import type { Requirement } from './requirements/requirement.ts'
import { RESOURCE_SERVER } from './requirements/resource-server.ts'
import { STDIO } from './requirements/stdio.ts'
import { SUITE } from './requirements/suite.ts'
import { TASKS_LEGACY } from './requirements/tasks-legacy.ts'
import { TASKS_MODERN } from './requirements/tasks-modern.ts'
import { TELEMETRY } from './requirements/telemetry.ts'
import { WORKLOADS } from './requirements/workloads.ts'

export type { Requirement } from './requirements/requirement.ts'

export const REQUIREMENTS: readonly Requirement[] = [
  ...HTTP_REQUEST,
  ...HTTP_EXCHANGE,
  ...STDIO,
  ...LIFECYCLE,
  ...EVENTS,
  ...FEATURES,
  ...INPUT,
  ...LISTEN,
  ...PROGRESS,
  ...TASKS_LEGACY,
  ...TASKS_MODERN,
  ...RESOURCE_SERVER,
  ...PROOFS,
  ...AUTHORIZATION_SERVER,
  ...OAUTH_CLIENT,
  ...WORKLOADS,
  ...POLICY,
  ...LEDGER,
  ...NODES,
  ...FLOW,
  ...LIMITS,
  ...CUSTODY,
  ...TELEMETRY,
  ...SUITE,
  ...BRIDGE,
  ...CONFLICTS,
  ...QUIRKS_SDK,
  ...QUIRKS_OTHER,
]
