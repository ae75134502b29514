import { parentPort } from "node:worker_threads";
import { CountersignError, classify, loadParser } from "@countersign/policy";
import type { Answer, Task } from "./classifier.ts";

/** The thread in which large operations are classified: nothing else waits for it. */
const parent = parentPort;
if (parent === null) throw new Error("classify-worker runs in a worker thread");
const ready = loadParser();

parent.on("message", async ({ operation, options }: Task) => {
  await ready;
  parent.postMessage(answerTo({ operation, options }));
});

function answerTo({ operation, options }: Task): Answer {
  try {
    return { facts: classify(operation, options) };
  } catch (error) {
    if (!(error instanceof CountersignError))
      return { failure: { code: "internal", message: "The operation could not be classified." } };
    return { failure: { code: error.code, message: error.message } };
  }
}
