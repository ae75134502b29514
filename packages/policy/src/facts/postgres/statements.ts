import type { Effect } from "./findings.ts";
import { isPart, objectWords, relationOf } from "./objects.ts";
import { optionIsOn, refuseDiscardAll, refusePinned } from "./settings.ts";
import { isTree, listOf, type Tree, textOf, unwrap } from "./tree.ts";
import type { Handler, Walk } from "./walk.ts";

/** A statement that needs no code: what it is called, what it does, and what of it is out of sight. */
interface Row {
  readonly kind: string | ((node: Tree) => string);
  readonly effects: readonly Effect[];
  readonly doubt?: string;
}

const definition = (kind: Row["kind"], doubt?: string): Row => ({ kind, effects: ["defines"], ...(doubt ? { doubt } : {}) });
const session = (kind: Row["kind"], doubt?: string): Row => ({ kind, effects: ["session"], ...(doubt ? { doubt } : {}) });
const writing = (kind: Row["kind"], doubt?: string): Row => ({ kind, effects: ["writes"], ...(doubt ? { doubt } : {}) });

const body = "the body of a function is not looked into";
const script = "the script of an extension is not seen";
const outside = "it works outside of this database";
const unnamed = "it changes objects that it does not name";

/** Why EXECUTE and FETCH are not understood where it is not known what they run. */
export const doubtsOfRuns = {
  execute: "EXECUTE runs a statement that was prepared before",
  fetch: "FETCH runs a query that was declared before",
} as const;

/**
 * Statements that define, maintain or control. Relations that they name outside of queries count as written to. The kind's first word is
 * a kind of its own, so that a rule may say `DROP` as well as `DROP TABLE`.
 */
const rows: Readonly<Record<string, Row>> = {
  AlterCollationStmt: definition("ALTER COLLATION"),
  AlterDatabaseRefreshCollStmt: definition("ALTER DATABASE"),
  AlterDatabaseStmt: definition("ALTER DATABASE"),
  AlterDefaultPrivilegesStmt: definition("ALTER DEFAULT PRIVILEGES"),
  AlterDomainStmt: definition("ALTER DOMAIN"),
  AlterEnumStmt: definition("ALTER TYPE"),
  AlterEventTrigStmt: definition("ALTER EVENT TRIGGER"),
  AlterExtensionContentsStmt: definition("ALTER EXTENSION"),
  AlterExtensionStmt: definition("ALTER EXTENSION", script),
  AlterFdwStmt: definition("ALTER FOREIGN DATA WRAPPER"),
  AlterForeignServerStmt: definition("ALTER SERVER"),
  AlterObjectDependsStmt: definition((node) => `ALTER ${objectWords(node.objectType)}`),
  AlterOpFamilyStmt: definition("ALTER OPERATOR FAMILY"),
  AlterOperatorStmt: definition("ALTER OPERATOR"),
  AlterOwnerStmt: definition((node) => `ALTER ${objectWords(node.objectType)}`),
  AlterPolicyStmt: definition("ALTER POLICY"),
  AlterPublicationStmt: definition("ALTER PUBLICATION"),
  AlterRoleStmt: definition("ALTER ROLE"),
  AlterSeqStmt: definition("ALTER SEQUENCE"),
  AlterStatsStmt: definition("ALTER STATISTICS"),
  AlterSubscriptionStmt: definition("ALTER SUBSCRIPTION", outside),
  AlterTSConfigurationStmt: definition("ALTER TEXT SEARCH CONFIGURATION"),
  AlterTSDictionaryStmt: definition("ALTER TEXT SEARCH DICTIONARY"),
  AlterTableMoveAllStmt: definition((node) => `ALTER ${objectWords(node.objtype)}`, unnamed),
  AlterTableSpaceOptionsStmt: definition("ALTER TABLESPACE"),
  AlterTableStmt: definition((node) => `ALTER ${objectWords(node.objtype)}`),
  AlterTypeStmt: definition("ALTER TYPE"),
  AlterUserMappingStmt: definition("ALTER USER MAPPING"),
  CheckPointStmt: writing("CHECKPOINT"),
  ClosePortalStmt: session("CLOSE"),
  CompositeTypeStmt: definition("CREATE TYPE"),
  ConstraintsSetStmt: session("SET CONSTRAINTS"),
  CreateAmStmt: definition("CREATE ACCESS METHOD"),
  CreateCastStmt: definition("CREATE CAST"),
  CreateConversionStmt: definition("CREATE CONVERSION"),
  CreateDomainStmt: definition("CREATE DOMAIN"),
  CreateEnumStmt: definition("CREATE TYPE"),
  CreateEventTrigStmt: definition("CREATE EVENT TRIGGER"),
  CreateExtensionStmt: definition("CREATE EXTENSION", script),
  CreateFdwStmt: definition("CREATE FOREIGN DATA WRAPPER"),
  CreateForeignServerStmt: definition("CREATE SERVER"),
  CreateForeignTableStmt: definition("CREATE FOREIGN TABLE", outside),
  CreateOpClassStmt: definition("CREATE OPERATOR CLASS"),
  CreateOpFamilyStmt: definition("CREATE OPERATOR FAMILY"),
  CreatePLangStmt: definition("CREATE LANGUAGE"),
  CreatePolicyStmt: definition("CREATE POLICY"),
  CreatePublicationStmt: definition("CREATE PUBLICATION"),
  CreateRangeStmt: definition("CREATE TYPE"),
  CreateRoleStmt: definition("CREATE ROLE"),
  CreateSchemaStmt: definition("CREATE SCHEMA"),
  CreateSeqStmt: definition("CREATE SEQUENCE"),
  CreateStatsStmt: definition("CREATE STATISTICS"),
  CreateStmt: definition("CREATE TABLE"),
  CreateSubscriptionStmt: definition("CREATE SUBSCRIPTION", outside),
  CreateTableSpaceStmt: definition("CREATE TABLESPACE", outside),
  CreateTransformStmt: definition("CREATE TRANSFORM"),
  CreateTrigStmt: definition("CREATE TRIGGER"),
  CreateUserMappingStmt: definition("CREATE USER MAPPING"),
  CreatedbStmt: definition("CREATE DATABASE"),
  DeallocateStmt: session("DEALLOCATE"),
  DeclareCursorStmt: session("DECLARE CURSOR"),
  DefineStmt: definition((node) => `CREATE ${objectWords(node.kind)}`),
  DropOwnedStmt: definition("DROP OWNED", unnamed),
  DropRoleStmt: definition("DROP ROLE"),
  DropSubscriptionStmt: definition("DROP SUBSCRIPTION", outside),
  DropTableSpaceStmt: definition("DROP TABLESPACE"),
  DropUserMappingStmt: definition("DROP USER MAPPING"),
  DropdbStmt: definition("DROP DATABASE", unnamed),
  ExecuteStmt: writing("EXECUTE", doubtsOfRuns.execute),
  FetchStmt: session((node) => (node.ismove === true ? "MOVE" : "FETCH"), doubtsOfRuns.fetch),
  GrantRoleStmt: definition((node) => (node.is_grant === true ? "GRANT" : "REVOKE")),
  GrantStmt: definition((node) => (node.is_grant === true ? "GRANT" : "REVOKE")),
  ImportForeignSchemaStmt: definition("IMPORT FOREIGN SCHEMA", outside),
  IndexStmt: definition("CREATE INDEX"),
  ListenStmt: session("LISTEN"),
  LoadStmt: session("LOAD", "LOAD runs a library's code"),
  LockStmt: writing("LOCK"),
  NotifyStmt: writing("NOTIFY"),
  ReassignOwnedStmt: definition("REASSIGN OWNED", unnamed),
  RefreshMatViewStmt: writing("REFRESH MATERIALIZED VIEW"),
  ReindexStmt: writing("REINDEX"),
  ReplicaIdentityStmt: definition("ALTER TABLE"),
  RuleStmt: definition("CREATE RULE"),
  UnlistenStmt: session("UNLISTEN"),
  VariableShowStmt: { kind: "SHOW", effects: [] },
  ViewStmt: definition("CREATE VIEW"),
};

/** What definitions are made of. */
const passive = `
  DefElem Constraint TableLikeClause PartitionElem PartitionSpec PartitionBoundSpec PartitionRangeDatum PartitionCmd
  ATAlterConstraint ObjectWithArgs AccessPriv FunctionParameter TriggerTransition VacuumRelation PublicationTable PublicationObjSpec
  CreateOpClassItem StatsElem ReturnStmt`;

const coded: Readonly<Record<string, Handler>> = {
  AlterTableCmd: (walk, node) => {
    if (changesUnnamed(node)) walk.found.doubts.add(unnamed);
    walk.fields("AlterTableCmd", node);
  },
  AlterDatabaseSetStmt: (walk, node) => alterSetting(walk, node, "ALTER DATABASE"),
  AlterObjectSchemaStmt: (walk, node) => {
    note(walk, definition(`ALTER ${objectWords(node.objectType)}`), node);
    if (isTree(node.relation)) walk.target({ ...node.relation, schemaname: node.newschema });
    walk.definition(() => walk.fields("AlterObjectSchemaStmt", node));
  },
  AlterRoleSetStmt: (walk, node) => alterSetting(walk, node, "ALTER ROLE"),
  AlterSystemStmt: (walk, node) => alterSetting(walk, node, "ALTER SYSTEM"),
  AlterFunctionStmt: (walk) => note(walk, definition("ALTER FUNCTION", body)),
  CallStmt: (walk, node) => {
    note(walk, writing("CALL", "a procedure's body is not seen"));
    walk.fields("CallStmt", node);
  },
  ClusterStmt: (walk, node) => maintain(walk, "ClusterStmt", node, "CLUSTER", isTree(node.relation)),
  CommentStmt: (walk, node) => onObjects(walk, definition("COMMENT"), node.objtype, [node.object]),
  CopyStmt: copy,
  CreateFunctionStmt: (walk, node) => {
    note(walk, definition(node.is_procedure === true ? "CREATE PROCEDURE" : "CREATE FUNCTION", body));
    // Its own settings and parameters are not the call's.
    walk.withForeignParameters(() => walk.fields("CreateFunctionStmt", node, ["options", "funcname"]));
  },
  CreateTableAsStmt: (walk, node) => {
    note(walk, { kind: `CREATE ${objectWords(node.objtype)}`, effects: ["defines", "writes"] });
    if (node.objtype === "OBJECT_TABLE") walk.found.kinds.add("CREATE TABLE AS");
    walk.fields("CreateTableAsStmt", node);
  },
  DiscardStmt: (walk, node) => {
    if (node.target === "DISCARD_ALL") refuseDiscardAll();
    note(walk, node.target === "DISCARD_TEMP" ? { kind: "DISCARD", effects: ["writes", "defines"] } : session("DISCARD"));
  },
  DoStmt: (walk) => note(walk, writing("DO", "procedural code is not looked into")),
  DropStmt: (walk, node) => {
    onObjects(walk, definition(`DROP ${objectWords(node.removeType)}`), node.removeType, listOf(node.objects));
    if (changesUnnamed(node)) walk.found.doubts.add(unnamed);
  },
  ExplainStmt: explain,
  PrepareStmt: (walk, node) => {
    note(walk, session("PREPARE"));
    walk.withForeignParameters(() => walk.fields("PrepareStmt", node));
  },
  RenameStmt: (walk, node) => {
    const type = isPart(node.renameType) ? node.relationType : node.renameType;
    note(walk, definition(`ALTER ${objectWords(type)}`), node);
    // The new name is defined as by CREATE.
    if (isTree(node.relation) && !isPart(node.renameType)) walk.target({ ...node.relation, relname: node.newname });
    walk.definition(() => walk.fields("RenameStmt", node));
  },
  SecLabelStmt: (walk, node) => onObjects(walk, definition("SECURITY LABEL"), node.objtype, [node.object]),
  TransactionStmt: transaction,
  TruncateStmt: (walk, node) => {
    note(walk, writing("TRUNCATE"), node);
    walk.found.changes.push(false);
    walk.definition(() => walk.fields("TruncateStmt", node));
  },
  VacuumStmt: (walk, node) => {
    const kind = node.is_vacuumcmd === true ? "VACUUM" : "ANALYZE";
    maintain(walk, "VacuumStmt", node, kind, listOf(node.rels).length > 0);
  },
  VariableSetStmt: (walk, node) => {
    refusePinned(node);
    note(walk, session(textOf(node.kind).startsWith("VAR_RESET") ? "RESET" : "SET"));
    walk.fields("VariableSetStmt", node);
  },
};

/** The handlers of everything that is not a query. */
export const statements: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ...Object.entries(rows).map(([kind, row]): [string, Handler] => [
    kind,
    (walk, node) => {
      note(walk, row, node);
      walk.definition(() => walk.fields(kind, node));
    },
  ]),
  ...passive
    .trim()
    .split(/\s+/)
    .map((kind): [string, Handler] => [kind, (walk, node) => walk.fields(kind, node)]),
  ...Object.entries(coded),
]);

/** Statements without a list of objects mean all of a schema, of the database, or whatever depends on what they name. */
function changesUnnamed(node: Tree): boolean {
  return (
    node.behavior === "DROP_CASCADE" ||
    node.targtype === "ACL_TARGET_ALL_IN_SCHEMA" ||
    ["REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE"].includes(textOf(node.kind))
  );
}

function note(walk: Walk, row: Row, node: Tree = {}): void {
  const kind = typeof row.kind === "string" ? row.kind : row.kind(node);
  walk.found.kinds.add(kind);
  const verb = kind.split(" ", 1)[0] ?? kind;
  if (["CREATE", "ALTER", "DROP"].includes(verb)) walk.found.kinds.add(verb);
  for (const effect of row.effects) walk.found.effects.add(effect);
  if (row.doubt !== undefined) walk.found.doubts.add(row.doubt);
  if (changesUnnamed(node)) walk.found.doubts.add(unnamed);
}

function alterSetting(walk: Walk, node: Tree, kind: string): void {
  if (isTree(node.setstmt)) refusePinned(node.setstmt);
  note(walk, definition(kind));
}

function maintain(walk: Walk, kind: string, node: Tree, name: string, isNamed: boolean): void {
  note(walk, isNamed ? writing(name) : writing(name, unnamed));
  walk.definition(() => walk.fields(kind, node));
}

function copy(walk: Walk, node: Tree): void {
  const { found } = walk;
  found.kinds.add("COPY").add(node.is_from === true ? "COPY FROM" : "COPY TO");
  if (node.is_from === true) found.effects.add("writes");
  if (isTree(node.relation)) {
    if (node.is_from === true) walk.target(node.relation);
    else walk.read(node.relation);
  }
  if (node.is_program === true) found.kinds.add("COPY PROGRAM");
  if (node.is_program === true || textOf(node.filename) !== "") {
    found.effects.add("writes");
    found.doubts.add(
      node.is_program === true ? "COPY PROGRAM runs a shell command on the server" : "COPY uses a file of the server",
    );
  }
  walk.fields("CopyStmt", node, ["relation"]);
}

/** Without ANALYZE the statement is planned, not run: what it would write to is only looked at. */
function explain(walk: Walk, node: Tree): void {
  const { found } = walk;
  found.kinds.add("EXPLAIN");
  const runs = optionIsOn(node.options, "analyze");
  if (runs) found.kinds.add("EXPLAIN ANALYZE");
  const effects = new Set(found.effects);
  const writesTo = new Set(found.writesTo);
  walk.fields("ExplainStmt", node);
  if (runs) return;
  for (const effect of found.effects) if (!effects.has(effect)) found.effects.delete(effect);
  for (const name of found.writesTo) {
    if (writesTo.has(name)) continue;
    found.writesTo.delete(name);
    found.reads.add(name);
  }
}

function transaction(walk: Walk, node: Tree): void {
  const words = textOf(node.kind).replace("TRANS_STMT_", "").replaceAll("_", " ");
  const kind = words === "START" || words === "PREPARE" ? `${words} TRANSACTION` : words;
  note(walk, words.includes("PREPARE") ? writing(kind) : session(kind));
  walk.fields("TransactionStmt", node);
}

function onObjects(walk: Walk, row: Row, type: unknown, objects: readonly unknown[]): void {
  note(walk, row);
  for (const object of objects) {
    const relation = relationOf(type, object);
    if (relation) walk.target(relation);
    else if (unwrap(object)?.kind !== "String") walk.visit(object);
  }
}
