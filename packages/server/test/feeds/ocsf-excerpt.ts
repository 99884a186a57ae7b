// What OCSF 1.8.0 says of the classes and objects that we write: github.com/ocsf/ocsf-schema, version 1.8.0
// (events/, objects/, dictionary.json), without profiles. Only attributes that we use, and all that are required.

/** `!` is required, `[]` a list; the rest is a type of JSON or one of the objects below. */
export interface Shape {
  readonly attributes: Readonly<Record<string, string>>
  /** The constraint `at_least_one`. */
  readonly anyOf?: readonly string[]
}

interface OcsfClass extends Shape {
  readonly category: number
  readonly activities: readonly number[]
  readonly statuses: readonly number[]
}

export const SEVERITIES = [0, 1, 2, 3, 4, 5, 6, 99]

export const CLASSES: Readonly<Record<number, OcsfClass>> = {
  // api_activity
  6003: {
    category: 6,
    activities: [0, 1, 2, 3, 4, 99],
    statuses: [0, 1, 2, 99],
    attributes: {
      activity_id: 'integer!',
      actor: 'actor!',
      api: 'api!',
      category_uid: 'integer!',
      class_name: 'string',
      class_uid: 'integer!',
      dst_endpoint: 'network_endpoint',
      duration: 'integer',
      message: 'string',
      metadata: 'metadata!',
      resources: 'resource_details[]',
      severity: 'string',
      severity_id: 'integer!',
      src_endpoint: 'network_endpoint!',
      status: 'string',
      status_code: 'string',
      status_id: 'integer',
      time: 'integer!',
      type_uid: 'integer!',
      unmapped: 'object',
    },
  },
  // authentication
  3002: {
    category: 3,
    activities: [0, 1, 2, 3, 4, 5, 6, 7, 99],
    statuses: [0, 1, 2, 99],
    anyOf: ['service', 'dst_endpoint'],
    attributes: {
      activity_id: 'integer!',
      actor: 'actor',
      category_uid: 'integer!',
      class_name: 'string',
      class_uid: 'integer!',
      dst_endpoint: 'network_endpoint',
      duration: 'integer',
      message: 'string',
      metadata: 'metadata!',
      service: 'service',
      severity: 'string',
      severity_id: 'integer!',
      src_endpoint: 'network_endpoint',
      status: 'string',
      status_code: 'string',
      status_id: 'integer',
      time: 'integer!',
      type_uid: 'integer!',
      unmapped: 'object',
      user: 'user!',
    },
  },
  // entity_management
  3004: {
    category: 3,
    activities: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99],
    statuses: [0, 1, 2, 99],
    attributes: {
      activity_id: 'integer!',
      actor: 'actor',
      category_uid: 'integer!',
      class_name: 'string',
      class_uid: 'integer!',
      duration: 'integer',
      entity: 'managed_entity!',
      message: 'string',
      metadata: 'metadata!',
      severity: 'string',
      severity_id: 'integer!',
      src_endpoint: 'network_endpoint',
      status: 'string',
      status_code: 'string',
      status_id: 'integer',
      time: 'integer!',
      type_uid: 'integer!',
      unmapped: 'object',
    },
  },
  // detection_finding
  2004: {
    category: 2,
    activities: [0, 1, 2, 3, 99],
    statuses: [0, 1, 2, 3, 4, 5, 6, 99],
    attributes: {
      activity_id: 'integer!',
      category_uid: 'integer!',
      class_name: 'string',
      class_uid: 'integer!',
      duration: 'integer',
      finding_info: 'finding_info!',
      message: 'string',
      metadata: 'metadata!',
      resources: 'resource_details[]',
      severity: 'string',
      severity_id: 'integer!',
      status: 'string',
      status_code: 'string',
      status_id: 'integer',
      time: 'integer!',
      type_uid: 'integer!',
      unmapped: 'object',
      evidences: 'evidences[]',
    },
  },
}

export const OBJECTS: Readonly<Record<string, Shape>> = {
  metadata: {
    attributes: {
      correlation_uid: 'string',
      event_code: 'string',
      log_name: 'string',
      product: 'product!',
      sequence: 'integer',
      type: 'string',
      uid: 'string',
      version: 'string!',
    },
  },
  product: {
    anyOf: ['name', 'uid'],
    attributes: { name: 'string', uid: 'string', vendor_name: 'string', version: 'string' },
  },
  actor: {
    anyOf: ['process', 'user', 'invoked_by', 'session', 'app_name', 'app_uid'],
    attributes: { app_name: 'string', session: 'session', user: 'user' },
  },
  user: {
    anyOf: ['account', 'name', 'uid'],
    attributes: { name: 'string', type: 'string', uid: 'string' },
  },
  session: { attributes: { created_time: 'integer', uid: 'string' } },
  api: { attributes: { operation: 'string!', service: 'service', version: 'string' } },
  service: {
    anyOf: ['name', 'uid'],
    attributes: { name: 'string', uid: 'string', version: 'string' },
  },
  network_endpoint: {
    anyOf: [
      'ip',
      'uid',
      'name',
      'hostname',
      'svc_name',
      'instance_uid',
      'interface_uid',
      'interface_name',
      'domain',
    ],
    attributes: { ip: 'string', name: 'string', type: 'string', uid: 'string' },
  },
  resource_details: {
    anyOf: ['name', 'uid'],
    attributes: {
      created_time: 'integer',
      ip: 'string',
      name: 'string',
      type: 'string',
      uid: 'string',
      version: 'string',
    },
  },
  finding_info: {
    attributes: { created_time: 'integer', product: 'product', title: 'string', uid: 'string!' },
  },
  managed_entity: {
    anyOf: ['name', 'uid', 'device', 'group', 'org', 'policy', 'user'],
    attributes: { name: 'string', type: 'string', uid: 'string', user: 'user', version: 'string' },
  },
  evidences: {
    anyOf: ['actor', 'api', 'resources', 'src_endpoint'],
    attributes: { actor: 'actor' },
  },
}
