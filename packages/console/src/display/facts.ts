import { JsonObject } from "../api/json.ts";
import { list, type Sentence } from "./sentence.ts";
import { changesEveryRow, sqlFacts, sqlSentences, sqlWish } from "./sql-facts.ts";

/** What classification found out about an operation, in words. */
export interface Facts {
  /** What is asked for, to follow “… asks to”: `delete rows from public.orders`. */
  readonly wish: string;
  /** The gravest first. */
  readonly sentences: readonly Sentence[];
  /** Rows are changed that no condition limits. */
  readonly everyRow?: boolean;
}

/** What each protocol's facts say; undefined when they do not say enough. @throws {DecodeError} */
const readers: Readonly<Record<string, (json: JsonObject) => Facts | undefined>> = {
  postgres(json) {
    const facts = sqlFacts(json.object("sql"));
    return facts && { wish: sqlWish(facts), sentences: sqlSentences(facts), everyRow: changesEveryRow(facts) };
  },
  ssh(json) {
    const ssh = json.object("ssh");
    const [programs, subsystem] = [ssh.strings("programs"), ssh.string("subsystem")];
    const what =
      programs.length > 0 ? `run ${list(programs.slice(0, 5))}${programs.length > 5 ? " and more" : ""}` : "run a command";
    return told(ssh, "command", subsystem === "" ? what : subsystemWish(subsystem), (say) => {
      if (ssh.boolean("elevated")) say("danger", "Runs with raised privileges.");
      if (ssh.boolean("tty")) say("caution", "Asks for a terminal.");
      if (ssh.boolean("network")) say("caution", "Uses the network.");
      if (ssh.strings("redirects").length > 0) say("caution", `Redirects: ${list(ssh.strings("redirects"))}.`);
      if (ssh.strings("paths").length > 0) say("plain", `Names ${list(ssh.strings("paths"))}.`);
    });
  },
  kubernetes(json) {
    const kubernetes = json.object("kubernetes");
    const [verb, namespace] = [kubernetes.string("verb"), kubernetes.string("namespace")];
    const kind = ["resource", "subresource"].map((name) => kubernetes.string(name)).filter((one) => one !== "");
    const what = [kind.join("/"), kubernetes.string("name")].filter((one) => one !== "").join(" ");
    const where = namespace === "" ? "" : ` in ${namespace}`;
    return told(kubernetes, "request", `${verb || "do something with"} ${what}${where}`, (say) => {
      if (kubernetes.boolean("allNamespaces")) say("danger", "Is about every namespace.");
      if (verb === "deletecollection") say("danger", "Deletes everything that is selected, not one object.");
      if (kubernetes.strings("argv").length > 0) say("caution", `Runs ${kubernetes.strings("argv").join(" ")}`);
      if (kubernetes.boolean("tty")) say("caution", "Asks for a terminal.");
      if (kubernetes.boolean("stdin")) say("caution", "Standard input is connected.");
      if (kubernetes.boolean("dryRun")) say("plain", "A dry run: nothing is stored.");
    });
  },
  http(json) {
    const http = json.object("http");
    return told(http, "request", `send ${http.string("method")} ${http.string("path")}`, (say) => {
      const operation = http.has("operation") ? http.string("operation") : "";
      if (operation !== "") say("plain", `The API calls it ${operation}.`);
      if (!http.has("graphql")) return;
      const graphql = http.object("graphql");
      const [kind, name, fields] = [graphql.string("kind"), graphql.string("name"), graphql.strings("fields")];
      const what = `Is a GraphQL ${kind}${name === "" ? "" : ` (${name})`}: ${list(fields.slice(0, 10))}${fields.length > 10 ? " and more" : ""}.`;
      if (kind !== "") say(kind === "query" ? "plain" : "caution", what);
    });
  },
  mcp(json) {
    const mcp = json.object("mcp");
    return told(mcp, "tool call", `call ${mcp.string("tool")} of ${mcp.string("server")}`);
  },
};

/** The facts of a request. Undefined when they are missing or of another form: the page then says that nothing is known. */
export function decodeFacts(factsJson: string): Facts | undefined {
  try {
    const json = new JsonObject(JSON.parse(factsJson), "facts");
    const protocol = json.string("protocol");
    return Object.hasOwn(readers, protocol) ? readers[protocol]?.(json) : undefined;
  } catch {
    return undefined;
  }
}

/** What is asked for, whether or not anything is known of it. */
export function wish(facts: Facts | undefined): string {
  return facts?.wish ?? "run something";
}

/** What is known of it, whether or not anything is. */
export function sentences(facts: Facts | undefined): readonly Sentence[] {
  return facts?.sentences ?? [nothingKnown];
}

const nothingKnown = { tone: "danger", text: "Nothing is known about what this does. Judge it by its text alone." } as const;

type Say = (tone: Sentence["tone"], text: string) => void;

/** What all protocols but SQL have in common: whether it was understood, and whether it only reads. */
function told(facts: JsonObject, noun: string, wanted: string, more?: (say: Say) => void): Facts | undefined {
  // Its absence must not read as harmless.
  if (!facts.has("opaque")) return undefined;
  const said: Sentence[] = [];
  const opaque = facts.boolean("opaque");
  if (opaque) {
    const doubts = facts.strings("doubts");
    const why = doubts.length === 0 ? "" : ` (${doubts.join("; ")})`;
    said.push({
      tone: "danger",
      text: `Countersign could not fully understand this ${noun}${why}. It may do more than is listed here: judge it by its text.`,
    });
  }
  more?.((tone, text) => said.push({ tone, text }));
  if (facts.boolean("readOnly") && !opaque) said.push({ tone: "plain", text: "Only reads." });
  return { wish: opaque ? `${wanted} (not fully understood)` : wanted, sentences: said };
}

function subsystemWish(subsystem: string): string {
  if (subsystem === "terminal-session") return "open a terminal session";
  return subsystem === "guarded-shell" ? "open a guarded shell" : `use the subsystem ${subsystem}`;
}
