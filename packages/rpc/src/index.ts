/**
 * The wire contract of Countersign: messages and grpc-js service definitions generated from `proto/countersign/v1`.
 *
 * @packageDocumentation
 */

export { encodeOnce } from "./encode-once.ts";
export * from "./gen/countersign/v1/agent.ts";
export * from "./gen/countersign/v1/approver.ts";
export * from "./gen/countersign/v1/common.ts";
// Every generated file exports these; one copy is enough.
export { type DeepPartial, type MessageFns, protobufFileName, protobufPackage } from "./gen/countersign/v1/common.ts";
export * from "./gen/countersign/v1/session.ts";
export { descriptorSet } from "./gen/descriptor.ts";
