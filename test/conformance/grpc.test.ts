import { descriptorSet } from "@countersign/rpc";
import { credentials, loadPackageDefinition, makeGenericClientConstructor } from "@grpc/grpc-js";
import { fromJSON, loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Instance } from "../harness/instance.ts";

let instance: Instance;
beforeAll(async () => {
  instance = await Instance.start();
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});

const dial = (address: string) => address.replace(/^unix:\/\//, "unix:");

/** The health protocol (grpc/grpc, doc/health-checking.md), written down here so that the test does not share the server's definition. */
const health = fromJSON({
  nested: {
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              nested: {
                HealthCheckRequest: { fields: { service: { type: "string", id: 1 } } },
                HealthCheckResponse: { fields: { status: { type: "int32", id: 1 } } },
                Health: {
                  methods: { Check: { requestType: "HealthCheckRequest", responseType: "HealthCheckResponse", comment: "" } },
                },
              },
            },
          },
        },
      },
    },
  },
});

/** The part of gRPC reflection (v1) that lists services. */
const reflection = fromJSON({
  nested: {
    grpc: {
      nested: {
        reflection: {
          nested: {
            v1: {
              nested: {
                ServerReflectionRequest: {
                  oneofs: { message_request: { oneof: ["list_services"] } },
                  fields: { list_services: { type: "string", id: 7 } },
                },
                ServiceResponse: { fields: { name: { type: "string", id: 1 } } },
                ListServiceResponse: { fields: { service: { rule: "repeated", type: "ServiceResponse", id: 1 } } },
                ServerReflectionResponse: { fields: { list_services_response: { type: "ListServiceResponse", id: 6 } } },
                ServerReflection: {
                  methods: {
                    ServerReflectionInfo: {
                      requestType: "ServerReflectionRequest",
                      requestStream: true,
                      responseType: "ServerReflectionResponse",
                      responseStream: true,
                      comment: "",
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
});

function clientOf(definition: ReturnType<typeof fromJSON>, service: string, address: string) {
  const methods = definition[service];
  if (methods === undefined) throw new Error(`${service} is not defined`);
  const Client = makeGenericClientConstructor(methods as Parameters<typeof makeGenericClientConstructor>[0], service);
  return new Client(dial(address), credentials.createInsecure());
}

test.each(["agent", "approver"] as const)("the %s listener answers gRPC health checks", async (listener) => {
  const client = clientOf(health, "grpc.health.v1.Health", instance.at[listener]);
  const status = await new Promise((resolve, reject) => {
    client.Check?.({ service: "" }, (error: Error | null, answer: { status: number }) =>
      error === null ? resolve(answer.status) : reject(error),
    );
  });
  client.close();
  expect(status).toBe(1);
});

test.each([
  ["agent", "countersign.v1.AgentService", "countersign.v1.ApproverService"],
  ["approver", "countersign.v1.ApproverService", "countersign.v1.AgentService"],
] as const)("the %s listener tells by reflection that it serves %s, and not %s", async (listener, served, notServed) => {
  const client = clientOf(reflection, "grpc.reflection.v1.ServerReflection", instance.at[listener]);
  const stream = client.ServerReflectionInfo?.();
  const names = await new Promise<string[]>((resolve, reject) => {
    stream.on("data", (answer: { list_services_response: { service: { name: string }[] } }) => {
      resolve(answer.list_services_response.service.map((one) => one.name));
    });
    stream.on("error", reject);
    stream.write({ list_services: "*" });
  });
  stream.end();
  client.close();
  expect(names).toContain(served);
  expect(names).not.toContain(notServed);
});

test("a client that loads the contract at run time can use it", async () => {
  const definition = loadPackageDefinition(loadFileDescriptorSetFromBuffer(Buffer.from(descriptorSet)));
  expect(Object.keys((definition.countersign as unknown as { v1: object }).v1)).toEqual(
    expect.arrayContaining(["AgentService", "ApproverService"]),
  );
});

test("an approver's method on the agents' listener is not there", async () => {
  const { ApproverServiceClient } = await import("@countersign/rpc");
  const client = new ApproverServiceClient(dial(instance.at.agent), credentials.createInsecure());
  const error = await new Promise<{ code?: number } | null>((resolve) =>
    client.listRequests({ states: [], pageSize: 0, pageToken: "" }, (failure) => resolve(failure)),
  );
  client.close();
  expect(error?.code).toBe(12);
});
