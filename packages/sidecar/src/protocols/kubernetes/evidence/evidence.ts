import {
  Cleaner,
  CountersignError,
  type Evidence,
  type Json,
  type KubernetesFacts,
  type KubernetesRequest,
  shownJson,
} from "@countersign/policy";
import type { EvidenceSource, EvidenceWish } from "../../../evidence/evidence-source.ts";
import type { Connector } from "../../connector.ts";
import { type KubernetesConnectorOptions, openKubernetesConnector } from "../connector.ts";
import type { KubernetesResource } from "../resource.ts";
import { AskingTarget, isGood, messageOf, type TargetAnswer } from "./asking-target.ts";
import { dryRunOf, mayDryRun } from "./dry-run-request.ts";
import { goesOfCollection, goesWith } from "./going.ts";
import { aboutObject, fields, nameOf } from "./object-about.ts";
import { aboutPod } from "./pod-about.ts";
import { differsInCopy, leftOutNote, shownChanges, withoutBookkeeping } from "./shown-changes.ts";

type Found = Omit<Evidence, "timeMs" | "kind">;

/** What one look takes. */
interface Look {
  readonly request: KubernetesRequest;
  readonly facts: KubernetesFacts;
  readonly target: AskingTarget;
  /** An object as people may see it. */
  readonly show: (answer: TargetAnswer) => Json | undefined;
  /** The API server's words, without hidden values. */
  readonly words: (answer: TargetAnswer) => string;
  /** Anything else, without hidden values. */
  readonly clean: (found: Found) => Found;
}

/**
 * Opens the way to evidence about changes of a cluster: the object as it is, and what the API server says of a dry run, asked with the role that the
 * change would run with, or the one that is for that.
 */
export function openKubernetesEvidence(resource: KubernetesResource, options: KubernetesConnectorOptions): EvidenceSource {
  return new KubernetesEvidence(resource, options);
}

class KubernetesEvidence implements EvidenceSource {
  readonly #resource: KubernetesResource;
  readonly #options: KubernetesConnectorOptions;

  constructor(resource: KubernetesResource, options: KubernetesConnectorOptions) {
    // A few connections for each question, none ahead.
    this.#resource = { ...resource, connections: { ...resource.connections, max: 4 } };
    this.#options = options;
  }

  async gather({ kind, operation, facts, role, hide }: EvidenceWish, signal: AbortSignal): Promise<Omit<Evidence, "timeMs">> {
    if (operation.kind !== "kubernetes.request" || facts.protocol !== "kubernetes")
      return { kind, failure: "It is no request to a Kubernetes API server.", notes: [] };
    const { kubernetes } = facts;
    const cleaner = new Cleaner(hide);
    const isSecret = kubernetes.group === "" && kubernetes.resource === "secrets";
    if (operation.body !== undefined && "text" in operation.body) cleaner.learn(operation.body.text, isSecret);
    const show = ({ text, value }: TargetAnswer) => {
      cleaner.learn(text, isSecret);
      return value === undefined ? undefined : shownJson(value, isSecret, hide);
    };
    const clean = (found: Found): Found => {
      const { changes, difference } = found;
      return fitting({
        ...found,
        ...(changes && { changes: cleaned(changes, cleaner) }),
        ...(difference !== undefined && { difference: cleaner.text(difference) }),
      });
    };
    const connector: Connector = openKubernetesConnector(this.#resource, this.#options);
    try {
      const target = new AskingTarget(connector, this.#resource.evidence?.role ?? role, signal);
      const words = (answer: TargetAnswer) => cleaner.text(messageOf(answer));
      return { kind, ...(await look({ request: operation, facts: kubernetes, target, show, words, clean })) };
    } catch (error) {
      const why = error instanceof CountersignError ? error.message : "an internal error stopped it.";
      return { kind, failure: `It could not be found out: ${cleaner.text(why)}`, notes: [] };
    } finally {
      await connector.close();
    }
  }
}

/** The largest evidence, bytes of JSON: what the control plane does not keep would look as if it were still being found out. */
const mostBytes = 448 * 1024;

function fitting(found: Found): Found {
  if (Buffer.byteLength(JSON.stringify(found)) <= mostBytes) return found;
  return { failure: "It was found out, and is too large to be shown.", notes: found.notes };
}

function cleaned({ fields: all, more }: NonNullable<Found["changes"]>, cleaner: Cleaner): NonNullable<Found["changes"]> {
  const side = (name: "before" | "after", text: string | undefined) => (text === undefined ? {} : { [name]: cleaner.text(text) });
  return { more, fields: all.map(({ path, before, after }) => ({ path, ...side("before", before), ...side("after", after) })) };
}

const inPods: ReadonlySet<string> = new Set(["exec", "attach", "portforward", "eviction", "ephemeralcontainers", "proxy"]);

async function look(about: Look): Promise<Found> {
  const { facts, request } = about;
  const { verb, group, resource, subresource, readOnly, opaque } = facts;
  if (group === "" && resource === "pods" && inPods.has(subresource)) return await inPod(about);
  if (readOnly && !opaque) return { notes: ["It only reads: nothing would be changed."] };
  if (verb === "deletecollection") {
    const found = await goesOfCollection(listPath(request.path, facts), about.target);
    return { about: found, notes: ["It deletes all that it selects when it runs, not only what is listed here."] };
  }
  const may = mayDryRun(facts);
  if (may === "no")
    return { failure: "There is no dry run of such a request, so that what it would do is not known.", notes: [] };
  if (may === "ask" && !(await isOwn(about)))
    return {
      failure: `The API group ${group} is not known to be served by the cluster's own API server, and another one may do what it is only to try. So it was not tried.`,
      notes: [],
    };
  return about.clean(verb === "delete" ? await deletion(about) : await change(about));
}

/** Whether a group's version is the API server's own, a custom resource's for example: what is behind an aggregator names a service. */
async function isOwn({ facts: { group, version }, target }: Look): Promise<boolean> {
  const answer = await target.get(`/apis/apiregistration.k8s.io/v1/apiservices/${encodeURIComponent(`${version}.${group}`)}`);
  const { kind, spec } = fields(answer.value);
  return isGood(answer) && kind === "APIService" && (fields(spec).service ?? null) === null;
}

async function change({ request, facts, target, show, words }: Look): Promise<Found> {
  const keepsStatus = facts.subresource === "status";
  if (request.streamed) return { failure: "Its body comes while it runs, so that it was not tried.", notes: [] };
  const tried = dryRunOf(request, facts);
  if (tried === undefined) return { failure: "It cannot be sent as a dry run, so that it was not tried.", notes: [] };
  const live = facts.name === "" ? undefined : await target.get(objectPath(request.path));
  const present = live !== undefined && isGood(live) ? show(live) : undefined;
  const about = aboutObject(present);
  if (live !== undefined && !isGood(live) && live.status !== 404)
    return { failure: `The object as it is could not be read: ${words(live)}`, notes: [] };
  const answer = await target.send(tried);
  if (!isGood(answer)) return { about, failure: `The API server would refuse it, as things are: ${words(answer)}`, notes: [] };
  const would = show(answer);
  const { failure, ...shown } = shownChanges(withoutBookkeeping(present, keepsStatus), withoutBookkeeping(would, keepsStatus));
  const isNew = present === undefined;
  return {
    ...shown,
    ...(failure !== undefined && { failure }),
    about: isNew ? aboutNew(would) : about,
    notes: [
      ...(isNew ? ["There is no such object now: all of it is new, with what the API server adds."] : []),
      ...(facts.dryRun ? ["The request is itself a dry run: nothing is stored."] : []),
      leftOutNote(keepsStatus, !isNew && differsInCopy(present, would)),
    ],
  };
}

function aboutNew(object: Json | undefined) {
  return [{ name: "New object", text: nameOf(fields(object)) }];
}

async function deletion({ request, facts, target, show, words }: Look): Promise<Found> {
  const live = await target.get(objectPath(request.path));
  if (live.status === 404) return { failure: "There is no such object now.", notes: [] };
  if (!isGood(live)) return { failure: `The object as it is could not be read: ${words(live)}`, notes: [] };
  const present = show(live);
  const about = [...aboutObject(present), ...(await goesWith(live.value ?? null, facts, target))];
  const tried = dryRunOf(request, facts);
  const answer = tried && (await target.send(tried));
  const policy = fields(facts.body).propagationPolicy;
  return {
    about,
    ...(answer === undefined && { failure: "It cannot be sent as a dry run, so that it was not tried." }),
    ...(answer && !isGood(answer) && { failure: `The API server would refuse it, as things are: ${words(answer)}` }),
    notes: [
      ...(answer && isGood(answer) ? [`The API server would delete ${nameOf(fields(present))}.`] : []),
      ...(facts.dryRun ? ["The request is itself a dry run: nothing is stored."] : []),
      policy === "Orphan" ? "What it owns stays (Orphan)." : "What it owns goes with it, sooner or later.",
    ],
  };
}

async function inPod({ request, facts, target, words, show }: Look): Promise<Found> {
  const { namespace, name, subresource } = facts;
  const answer = await target.get(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`);
  if (!isGood(answer)) return { failure: `The pod could not be read: ${words(answer)}`, notes: [] };
  const pod = show(answer);
  const uid = fields(fields(pod).metadata).uid;
  const about = aboutPod(pod, facts);
  if (request.uid !== undefined && request.uid !== uid)
    return { about, failure: "The pod of that name is another one by now: nothing would run in it.", notes: [] };
  const what =
    subresource === "exec"
      ? "What a command does in it is found out only by running it."
      : `What comes of ${subresource} is not known before.`;
  return { about, notes: [...(request.uid === undefined ? [] : ["It is the very pod that was asked for."]), what] };
}

/** Where the object is: the path of the request without its query. */
function objectPath(path: string): string {
  return path.split("?", 1)[0] ?? path;
}

/** The list of what a collection's delete selects. */
function listPath(path: string, { labelSelector, fieldSelector }: KubernetesFacts): string {
  const pairs = [
    ...(labelSelector === "" ? [] : [`labelSelector=${encodeURIComponent(labelSelector)}`]),
    ...(fieldSelector === "" ? [] : [`fieldSelector=${encodeURIComponent(fieldSelector)}`]),
    "limit=500",
  ];
  return `${objectPath(path)}?${pairs.join("&")}`;
}
