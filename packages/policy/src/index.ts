/**
 * Actions and their digests, classification, rules and decisions. Pure: no I/O, no clock, no randomness.
 *
 * @packageDocumentation
 */

export * from "./action.ts";
export * from "./asked.ts";
export { type BundleTerms, createBundle, policyDigest } from "./bundle/bundle.ts";
export { BundleError, type BundleErrorCode } from "./bundle/bundle-error.ts";
export { keyIdOf, parsePublicKey, publicKeyText } from "./bundle/bundle-key.ts";
export { type BundleTrust, type OpenedBundle, openBundle } from "./bundle/open-bundle.ts";
export { type PublicPolicy, publicPolicy } from "./bundle/public-policy.ts";
export * from "./canonical.ts";
export type { Direction, PolicyChange } from "./comparison/change.ts";
export { comparePolicies } from "./comparison/compare.ts";
export { limitWords, stageWords } from "./comparison/wording.ts";
export * from "./decision.ts";
export { parseDocument } from "./document.ts";
export type { Evidence, EvidenceBook, EvidenceKind, FieldChange, RowChange } from "./evidence.ts";
export { type Answer, answer, type Refusal, refused } from "./explain/answer.ts";
export type { Asking } from "./explain/asking.ts";
export { type AskingJson, idOf, readAsking } from "./explain/asking-json.ts";
export { explain, explainOperation } from "./explain/explain.ts";
export type * from "./explain/explanation.ts";
export { readOperation } from "./explain/operation-json.ts";
export { policyWarnings, type Surroundings } from "./explain/warnings.ts";
export type { FactDefinition, FactsOf, FactTable, FactType, Protocol, ProtocolFacts } from "./facts/fact.ts";
export type { HttpApi, HttpOperation } from "./facts/http/api.ts";
export type { HttpFacts } from "./facts/http/definition.ts";
export type { KubernetesFacts } from "./facts/kubernetes/definition.ts";
export { removedHeaders, withoutImpersonation } from "./facts/kubernetes/removed-headers.ts";
export type { McpFacts } from "./facts/mcp/definition.ts";
export { type ChangeStatement, changeStatement, withReturning } from "./facts/postgres/change-statement.ts";
export type { SqlFacts } from "./facts/postgres/definition.ts";
export { type Mentions, mentionsOf } from "./facts/postgres/mentions.ts";
export { loadParser } from "./facts/postgres/parser.ts";
export { type RowSearch, rowSearch } from "./facts/postgres/row-search.ts";
export { type SqlStep, sqlSteps } from "./facts/postgres/steps.ts";
export { isPrompt, rememberFacts } from "./facts/postgres.ts";
export { type ProtocolName, protocols } from "./facts/protocols.ts";
export type { SshFacts } from "./facts/ssh/definition.ts";
export {
  composeChange,
  composeShellLine,
  directoryNamed,
  knownPrograms,
  mostLineBytes,
  readShellLine,
  type ShellLine,
  type ShellSetting,
  shellBuiltins,
  withVariables,
} from "./facts/ssh/shell-line.ts";
export * from "./facts.ts";
export type { Bound, GrantedValue, ValueLimit } from "./grant/bound.ts";
export { coversAction } from "./grant/covers.ts";
export { type Grant, grantLife } from "./grant/grant.ts";
export type { GrantBook } from "./grant/grant-book.ts";
export type { GrantUse } from "./grant/grant-use.ts";
export { type GrantOffer, isGrantOffer } from "./grant/offer.ts";
export type { ShapeValue } from "./grant/shape.ts";
export { type GrantableRequest, type GrantStatement, grantDigest, grantStatement } from "./grant/statement.ts";
export { type GrantTemplate, grantableValues } from "./grant/template.ts";
export { checkedTerms, type GrantTerms, type ValueBound } from "./grant/terms.ts";
export { bodyBytes, bodyOf } from "./operation/body.ts";
export { isCredential as isCredentialHeader } from "./operation/credential.ts";
export { Cleaner } from "./operation/hidden/cleaner.ts";
export { type Hide, hidingWith } from "./operation/hidden/hide.ts";
export { shownFacts, shownJson, shownOperation, shownStoredFacts, withHidden } from "./operation/hidden/shown-operation.ts";
export type { NamedValue, OperationPart } from "./operation/kind.ts";
export { operationMessage, operationParts, operationText, readOperationMessage } from "./operation/kinds.ts";
export { parameterReadings } from "./operation/postgres-query.ts";
export * from "./outcome.ts";
export * from "./plan.ts";
export * from "./plan-course.ts";
export { decidePlan } from "./plan-decision.ts";
export { factsSchema } from "./policy/facts-schema.ts";
export { policyJsonSchema } from "./policy/json-schema.ts";
export { parseDuration } from "./policy/quantity.ts";
export * from "./policy.ts";
export { loadReading, loadToLookAt, type PolicyReading, type ReadPolicy, type ReadyPolicy } from "./policy-reading.ts";
export type { PolicyStatus, PolicyStatusFeed } from "./policy-status.ts";
export * from "./problem.ts";
export * from "./quorum.ts";
export * from "./request.ts";
export * from "./request-book.ts";
export * from "./request-id.ts";
export * from "./revocation.ts";
export type { RecordedAction, RecordedDecision } from "./simulation/recorded-action.ts";
export { type Change, type SimulatedGroup, Simulation, type SimulationReport } from "./simulation/simulation.ts";
export { type Coverage, coverageOf } from "./trial/coverage.ts";
export type { Difference, Verdict } from "./trial/expectation.ts";
export { readTrials, type Trial, type TrialSuite } from "./trial/read-trials.ts";
export { runTrials, type TrialResult } from "./trial/run-trials.ts";
export * from "./vote.ts";
