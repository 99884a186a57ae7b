/**
 * The words that policies may use: printed by `countersign policy schema`, published as
 * `countersign.cedarschema`, and what every set is checked against before it is in force.
 */
export const POLICY_SCHEMA = `// Countersign: what a policy may ask about. Cedar schema, https://docs.cedarpolicy.com
// "countersign policy check" holds a folder of policies against it.

// ---- who asks ------------------------------------------------------------------------------
// A group of the configuration (\`policy.groups\`).
entity Group;
// A person: User::"https://idp.example#ada", by issuer and subject; User::"local" without \`auth\`.
entity User in [Group] = { subject: String, issuer?: String };
// A program with an identity of its own: its token was given to itself.
entity Workload in [Group] = { subject: String, issuer?: String };
// A program between a person and us: an OAuth client, or an actor its token names (RFC 8693).
entity Agent in [Group] = { subject: String, issuer?: String };

// ---- what is asked for ---------------------------------------------------------------------
// The URL that was used: View::"" is /mcp, View::"files" is /mcp/files.
entity View;
entity Server;
// Tool::"files/read_file": the server, a slash, and its own name of the tool.
entity Tool in [Server] = { server: String, name: String };
entity Prompt in [Server] = { server: String, name: String };
// Resource::"files/file:///notes.txt"; a template stands for itself until it is read.
entity Resource in [Server] = { server: String, name: String };

// ---- the arguments of a call ---------------------------------------------------------------
// By path, such as "to.address"; look with hasTag before getTag. Text and numbers are as sent:
// write a bound as "forbid unless it is there and within", so that another type cannot slip by.
entity Texts tags String;
entity Numbers tags Long;
entity Decimals tags decimal;
entity Flags tags Bool;
entity Lists tags Set<String>;
type Arguments = {
  given: Set<String>,  // every path, whatever it holds
  text: Texts,
  number: Numbers,     // whole numbers
  decimal: Decimals,   // any number with at most four places after the point
  flag: Flags,
  list: Lists          // lists of texts
};

// ---- the circumstances ---------------------------------------------------------------------
type Approval = { groups: Set<String>, people: Long };
// In the time zone of the configuration (\`policy.timeZone\`).
type Time = { at: datetime, date: String, weekday: String, hour: Long, minute: Long };
// A run: calls that belong together, by \`_meta["dev.countersign/run"]\`, their trace, or one client.
type Run = { id: String, labels: Set<String> };
type Network = { address?: ipaddr };
type Authentication = {
  proof: String,     // "local", "bearer" or "dpop"
  amr: Set<String>,  // how somebody signed in, where the token says: "pwd", "otp", "hwk"
  acr?: String,      // how strongly, in the words of the issuer
  age?: Long         // how many seconds ago, where the token says
};
type Facts = {
  effect: String,          // "read", "idempotent", "write" or "destructive"
  digest?: String,         // of the definition
  view: View,
  arguments: Arguments,
  argumentsDigest: String,
  scopes: Set<String>,
  agents: Set<Agent>,      // the client and every actor
  delegation: Long,        // how many actors there are
  authentication: Authentication,
  time: Time,
  network: Network,
  // Labels: "untrusted", "private", "outward", "destructive".
  labels: Set<String>,     // of what is asked for
  recent: Set<String>,     // of what this principal has called lately, in whichever run
  run?: Run,
  found: Set<String>,      // in the arguments: "secret/github", "personal/email"
  approval?: Approval
};

// ---- what is done --------------------------------------------------------------------------
action use;
// Whoever may use a thing sees it in lists; a forbid on "list" hides it all the same.
action list appliesTo { principal: [User, Workload, Agent], resource: [Tool, Prompt, Resource], context: Facts };
action call in [use] appliesTo { principal: [User, Workload, Agent], resource: [Tool], context: Facts };
action read in [use] appliesTo { principal: [User, Workload, Agent], resource: [Resource], context: Facts };
action prompt in [use] appliesTo { principal: [User, Workload, Agent], resource: [Prompt], context: Facts };
// A forbid that names it keeps a person from deciding about the call of a tool; no permit is needed.
action approve appliesTo { principal: [User, Workload, Agent], resource: [Tool], context: Facts };
// Not judged yet; "policy check" says so.
action admit, serve, administer appliesTo { principal: [User, Workload, Agent], resource: [Server, Tool, View], context: Facts };
`

/** Actions that may be written about and that nothing asks about yet. */
export const NOT_JUDGED: readonly string[] = ['admit', 'serve', 'administer']
