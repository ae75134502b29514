import { AuditError } from "@countersign/audit";
import type { Database } from "better-sqlite3";

/** "CsAu": tells an audit log from any other SQLite file. */
const APPLICATION_ID = 0x43734175;

/** Forward only: the step at position N brings a file from version N to N + 1. */
const STEPS = [
  `
  -- The leaf hash is kept beside the bytes so that the verifier can name the record that does not fit.
  create table records (
    idx integer primary key,
    bytes blob not null,
    leaf blob not null,
    request text
  ) strict;
  create index records_request on records (request) where request is not null;

  -- The signed tree head of each group that was stored together. Older ones are thinned out to one for each 256 records.
  create table checkpoints (
    size integer primary key,
    note text not null
  ) strict;

  -- Full tiles, and the incomplete ones of levels 1 and up. The incomplete tile of level 0 is records.leaf.
  create table tiles (
    level integer not null,
    idx integer not null,
    hashes blob not null,
    primary key (level, idx)
  ) strict, without rowid;

  create table writers (
    writer text primary key,
    sequence integer not null,
    leaf blob not null
  ) strict, without rowid;

  create table open_intents (
    request text primary key,
    writer text not null,
    idx integer not null
  ) strict, without rowid;

  -- Erasing a payload deletes its row: the key and the salt are in it.
  create table payloads (
    idx integer primary key,
    sealed blob not null
  ) strict;
  `,
  `
  -- The records of a request, for those in full tiles of level 0. The others are few: they are looked through. Likewise open_intents is as of
  -- the last full tile, or a little later. So most commits touch the newest page of a table or two, and nothing else.
  create table requests (
    request text not null,
    idx integer not null,
    primary key (request, idx)
  ) strict, without rowid;
  insert into requests (request, idx)
    select request, idx from records where request is not null and idx < (select count(*) / 256 * 256 from records) order by request, idx;
  drop index records_request;
  `,
  `
  -- The records about what stands until it is taken back: locks and reviews. They are few, and read at every start.
  create table standing (idx integer primary key) strict;
  insert into standing (idx) select idx from records where cast(bytes as text) ->> '$.type' in ('lock', 'review');
  `,
  `
  -- Where recorded sessions begin and end.
  create table sessions (idx integer primary key, request text not null, ended integer) strict;
  create index sessions_request on sessions (request);
  `,
];

/**
 * Brings a file to the present schema.
 *
 * @throws {AuditError} `corrupt` when it is something else, or was written by a newer version.
 */
export function migrate(db: Database): void {
  const version = Number(db.pragma("user_version", { simple: true }));
  const application = Number(db.pragma("application_id", { simple: true }));
  checkSchema(db, version, application);
  db.transaction(() => {
    for (const step of STEPS.slice(version)) db.exec(step);
    // Also when nothing changes: the first write creates the write-ahead log, whose directory entry this transaction's sync makes durable.
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${STEPS.length}`);
  }).immediate();
}

/** Whether a file that is only read has the present schema. @throws {AuditError} `corrupt`. */
export function checkReadable(db: Database): void {
  const version = Number(db.pragma("user_version", { simple: true }));
  checkSchema(db, version, Number(db.pragma("application_id", { simple: true })));
  if (version !== STEPS.length) throw new AuditError("corrupt", `${db.name} holds no audit log of this version.`);
}

function checkSchema(db: Database, version: number, application: number): void {
  if (version > STEPS.length) {
    throw new AuditError("corrupt", `${db.name} was written by a newer version of Countersign. Use that version.`);
  }
  if (application !== APPLICATION_ID && (version > 0 || application !== 0)) {
    throw new AuditError("corrupt", `${db.name} is not an audit log.`);
  }
}
