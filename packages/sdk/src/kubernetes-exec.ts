import type { Asking, Content, KubernetesRequestAction } from "./action.ts";
import { CountersignError } from "./errors.ts";
import { toSubmit } from "./operation.ts";
import type { CallSettings } from "./postgres.ts";
import { type ExecResult, OutputParts } from "./ssh.ts";
import type { OutputPart } from "./ssh-output.ts";
import type { Waiting } from "./waiting.ts";

/** One command in a container. */
export interface PodExec extends Asking, Waiting {
  namespace: string;
  pod: string;
  /** Default: the one that the pod's annotation `kubectl.kubernetes.io/default-container` names, else its first. It is part of what is approved. */
  container?: string | undefined;
  /** The program and its arguments, which reach it exactly as they are; there is no shell. */
  argv: readonly string[];
  /** All that it reads from its standard input; absent = nothing. It is part of what is approved. */
  stdin?: Content | undefined;
  /** Gives it a terminal: standard output and standard error come as one, and all of it is recorded. */
  tty?: boolean | undefined;
  /** The UID of the pod that is meant; another one of the same name is left alone. Default: the one that the pod has when this is asked for. */
  uid?: string | undefined;
}

/**
 * A command in a container as an action, for `submit`, `check` and plans; in a plan `container` and `uid` must be there.
 *
 * @throws {CountersignError} `invalid_operation` for no command.
 */
export function podExecAction(
  resource: string,
  { namespace, pod, container, argv, stdin, tty, uid }: Omit<PodExec, keyof Asking | keyof Waiting>,
): KubernetesRequestAction {
  if (argv.length === 0) throw new CountersignError("invalid_operation", "argv is empty; name a program.");
  const words = [...argv, namespace, pod, container ?? ""];
  if (words.some((word) => !word.isWellFormed()))
    throw new CountersignError("invalid_operation", "The command holds half of a surrogate pair; text cannot.");
  const query = [
    ...argv.map((word) => `command=${encodeURIComponent(word)}`),
    ...(container === undefined ? [] : [`container=${encodeURIComponent(container)}`]),
    ...(stdin === undefined ? [] : ["stdin=true"]),
    "stdout=true",
    // A terminal has one output; API servers refuse to be asked for both.
    tty === true ? "tty=true" : "stderr=true",
  ];
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec?${query.join("&")}`;
  return {
    ...{ kind: "kubernetes.request", resource, method: "GET", path },
    ...(stdin === undefined ? {} : { body: stdin }),
    ...(uid === undefined ? {} : { uid }),
  };
}

/** Runs it and gives its output as it comes. */
export function streamPodExec(resource: string, command: PodExec, settings: CallSettings): OutputParts {
  const { session, defaults } = settings;
  const asking = { ...command, reason: command.reason ?? defaults.reason ?? "" };
  const opening = { type: "execute", submit: toSubmit(podExecAction(resource, command), asking, session) } as const;
  return new OutputParts(settings, opening, { ...command, timeout: command.timeout ?? defaults.timeout });
}

/** Runs it and gives its whole output. */
export async function runPodExec(resource: string, command: PodExec, settings: CallSettings): Promise<ExecResult> {
  const stream = streamPodExec(resource, command, settings);
  const parts: OutputPart[] = [];
  for await (const part of stream) parts.push(part);
  if (stream.summary === undefined) throw new TypeError("an outcome without a summary");
  const of = (name: OutputPart["stream"]) =>
    Buffer.concat(parts.flatMap(({ stream: one, data }) => (one === name ? [data] : [])));
  return { ...stream.summary, stdout: of("stdout"), stderr: of("stderr") };
}
