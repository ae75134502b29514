/**
 * The text of a new `countersign.yaml`.
 *
 * @param approver the login name of who runs `init`: the first approver.
 */
export function starterConfig(approver: string): string {
  return `# Countersign's configuration. \`countersign up\` reads it; paths are relative to this file.
version: 1

# Everything that must survive a restart: requests, the audit log, keys. Keep it private, back it up.
data: countersign-data

# What the rules are. More than one file: a list. Changed files are taken into use while it runs.
policy: policy.yaml
# policyKeys: ["ed25519:…"]     # then \`policy\` has to be a bundle that one of these keys signed: \`countersign policy bundle --help\`

# People who may approve. In development \`countersign approve --as NAME\` and the sign-in link act as one of them.
approvers:
  - name: ${JSON.stringify(approver)}
    groups: [approvers]
    # accounts: [you@example.com]  # other names of the same person, e.g. as the owner of an agent

# The targets that agents can use, by name. Agents never see addresses or passwords.
# A password cannot be written here. It comes from
#   { env: NAME }     an environment variable of \`countersign up\`
#   { file: PATH }    a file that only you can read
#   { store: NAME }   the encrypted store: \`countersign credentials set NAME\`
resources: []
#  - name: orders-db
#    type: postgres
#    address: db.internal:5432
#    database: orders
#    labels: { env: staging }
#    # One login role of the database for each kind of use; policy.yaml says which is used when.
#    roles:
#      reader: { user: orders_reader, password: { env: ORDERS_READER_PASSWORD } }
#      writer: { user: orders_writer, password: { store: orders-writer } }
#    # Whose login plans statements for approvers before they vote: one that can only read.
#    evidence: { role: reader }

# What follows are the defaults.

sidecar:
  name: local                   # in requests and in the audit log; keep it when you restart
  listen:
    # Whoever can open this socket is the agent "local-agent" and needs no token.
    - unix: agent.sock          # a bare name is placed in the data folder's run/
      principal: { subject: local-agent, groups: [] }
    # - tcp: 0.0.0.0:7443       # agents elsewhere, with a token
    #   tls: { cert: tls/cert.pem, key: tls/key.pem }
  postgres: []                  # where psql and every driver may connect: dbname = resource, user = role
  # - unix: postgres            # a folder: psql "host=countersign-data/run/postgres dbname=orders-db user=reader"
  #   principal: { subject: local-agent, groups: [] }
  # - tcp: 127.0.0.1:6432       # with a token as the password; elsewhere than on this machine with TLS only:
  # - tcp: 0.0.0.0:6432
  #   tls: { cert: tls/cert.pem, key: tls/key.pem, clientCa: tls/agents.pem }   # clientCa: certificates instead of tokens

identity:
  development: true             # \`countersign token\` makes tokens, for development only
  issuers: []
  # - issuer: https://login.example.com
  #   audience: countersign
  #   algorithms: [RS256]

# approvals:
#   remindAfter: 15m            # those who are asked are told again of what nobody answers
#   remindEvery: 30m
#   remindAtMost: 5

control:
  listen: 127.0.0.1:0           # the console; port 0 = any free one
  approver: approver.sock       # the approver API

audit:
  fsync: default                # always: also reads that need no approval wait for the disk

limits:
  statementBytes: 1048576
  parameterBytes: 16777216
  pendingPerPrincipal: 1000
  connections: 10000            # of psql and drivers, in all …
  connectionsPerPrincipal: 1000 # … and of one agent
  # requestsPerMinute: 600      # what one agent may ask in a minute, also what is denied; not limited by default
`;
}

/** The text of a new `policy.yaml`: reads run, within limits; everything else waits for a person; what is dangerous is refused. */
export const starterPolicy = `# Countersign's policy. What no rule matches is denied.
# Among the rules that match: deny beats review, review beats allow.
version: 1
rules:
  # Reading runs at once, as far as these limits.
  - id: reads
    resources: ["*"]
    when: sql.readOnly
    effect: allow
    role: reader
    limits: { rows: 10000, bytes: 10MB, time: 30s }

  # Everything else waits until one of the approvers agrees: writes, schema changes, and whatever is not fully understood.
  - id: writes
    resources: ["*"]
    when: "!sql.readOnly"
    effect: review
    role: writer
    limits: { rows: 10000, bytes: 10MB, time: 5m }
    approval:
      stages:
        - approvers: [group:approvers]
          count: 1
      expires: 1h       # how long it may wait
      validFor: 5m      # from approval to dispatch

  # Never, whoever agrees.
  - id: dangerous
    resources: ["*"]
    when: >-
      sql.kinds.exists(k, k in ["DROP DATABASE", "ALTER SYSTEM", "CREATE EXTENSION", "LOAD", "COPY PROGRAM"])
      || sql.functions.exists(f, f in ["pg_read_file", "pg_read_binary_file", "pg_ls_dir", "lo_import", "lo_export", "dblink"])
    effect: deny
    message: This is never allowed through Countersign. Ask the owners of the database.
`;
