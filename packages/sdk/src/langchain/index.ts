/**
 * LangChain tools that run guarded actions.
 *
 * @packageDocumentation
 */

export {
  type FixedToolOptions,
  type GuardedToolArtifact,
  guardedTool,
  type StatementToolOptions,
} from "./guarded-tool.ts";
