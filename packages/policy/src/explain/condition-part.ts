import type { ASTNode } from "@marcbachmann/cel-js";
import type { ProtocolFacts } from "../facts/fact.ts";
import { partRange } from "../policy/part-range.ts";
import type { Condition, Question } from "../policy.ts";
import type { ConditionPart, PartState, SeenValue } from "./explanation.ts";
import type { PlaceOf, Places } from "./place.ts";
import { accessesIn, accessText, seenValue } from "./seen.ts";

/** What a condition is evaluated on. */
export interface Ground {
  readonly question: Question;
  /** Of the whole operation, or of one of its parts. */
  readonly facts: ProtocolFacts;
  readonly places: Places;
  /** Takes out of a value what nobody is shown. */
  readonly clean: (value: unknown) => unknown;
}

/** The elements that loops around a part are at, by name. */
type Elements = Readonly<Record<string, unknown>>;

/** Not yet told which parts decided. */
type Undecided = Omit<ConditionPart, "decisive" | "parts"> & { readonly parts?: readonly Undecided[] };

/** Takes a condition apart, down to the tests that have no logical structure, each with what it gave. */
export function explainCondition(condition: Condition, placeOf: PlaceOf, ground: Ground): ConditionPart {
  return decided(new Evaluation(condition, placeOf, ground).part(condition.ast, {}, false), true);
}

class Evaluation {
  readonly #condition: Condition;
  readonly #placeOf: PlaceOf;
  readonly #ground: Ground;

  constructor(condition: Condition, placeOf: PlaceOf, ground: Ground) {
    this.#condition = condition;
    this.#placeOf = placeOf;
    this.#ground = ground;
  }

  part(node: ASTNode, elements: Elements, skipped: boolean): Undecided {
    switch (node.op) {
      case "&&":
      case "||":
        return this.#logical(node, node.op, elements, skipped);
      case "!_": {
        const part = this.part(node.args, elements, skipped);
        return { ...this.#origin(node), kind: "not", state: opposite[part.state], parts: [part] };
      }
      case "?:":
        return this.#choice(node, node.args, elements, skipped);
      case "rcall":
        return isQuantifier(node) ? this.#loop(node, elements, skipped) : this.#test(node, elements, skipped);
      case ".": {
        const [of, name] = node.args;
        const named = of.op === "id" && of.args === "conditions" ? this.#condition.conditions.get(name) : undefined;
        return named ? this.#named(node, name, named, skipped) : this.#test(node, elements, skipped);
      }
      default:
        return this.#test(node, elements, skipped);
    }
  }

  /** As CEL does: what decides alone wins over an error before it; what stands after it is not evaluated. */
  #logical(node: ASTNode, op: "&&" | "||", elements: Elements, skipped: boolean): Undecided {
    const decides: PartState = op === "&&" ? "false" : "true";
    const parts: Undecided[] = [];
    for (const operand of operands(node, op)) {
      const over = skipped || parts.some(({ state }) => state === decides);
      parts.push(this.part(operand, elements, over));
    }
    const states = parts.map(({ state }) => state);
    const strongest = ([decides, "error", "skipped"] as const).find((state) => states.includes(state));
    return { ...this.#origin(node), kind: op === "&&" ? "and" : "or", state: strongest ?? opposite[decides], parts };
  }

  #choice(
    node: ASTNode,
    [question, yes, no]: readonly [ASTNode, ASTNode, ASTNode],
    elements: Elements,
    skipped: boolean,
  ): Undecided {
    const asked = this.part(question, elements, skipped);
    const ifTrue = this.part(yes, elements, asked.state !== "true");
    const ifFalse = this.part(no, elements, asked.state !== "false");
    const state = asked.state === "true" ? ifTrue.state : asked.state === "false" ? ifFalse.state : asked.state;
    return { ...this.#origin(node), kind: "choice", state, parts: [asked, ifTrue, ifFalse] };
  }

  #named(node: ASTNode, name: string, condition: Condition, skipped: boolean): Undecided {
    const placeOf = this.#ground.places.ofNamed(name, condition.text) ?? (() => this.#placeOf(node.start));
    const part = new Evaluation(condition, placeOf, this.#ground).part(condition.ast, {}, skipped);
    return { ...this.#origin(node), kind: "named", state: part.state, parts: [part] };
  }

  #test(node: ASTNode, elements: Elements, skipped: boolean): Undecided {
    if (skipped) return { ...this.#origin(node), kind: "test", state: "skipped" };
    return { ...this.#origin(node), kind: "test", ...this.#outcome(node, elements), seen: this.#seen(node, elements) };
  }

  #loop(node: Quantifier, elements: Elements, skipped: boolean): Undecided {
    const [name, receiver, [element, predicate]] = node.args;
    const origin = { ...this.#origin(node), kind: "loop", quantifier: name } as const;
    if (skipped) return { ...origin, state: "skipped" };
    const outcome = this.#outcome(node, elements);
    const at = this.#decidingElement(name, receiver, element.args, predicate, elements, outcome.state);
    const seen = this.#seen(node, elements);
    if (at === undefined) return { ...origin, ...outcome, seen };
    const inside = { ...elements, [element.args]: at.value };
    return {
      ...origin,
      ...outcome,
      seen,
      element: seenValue(element.args, this.#ground.clean(at.value)),
      parts: [this.part(predicate, inside, false)],
    };
  }

  /** The first element that shows why a loop came out as it did. There is none where all elements together did. */
  #decidingElement(
    loop: string,
    receiver: ASTNode,
    name: string,
    predicate: ASTNode,
    elements: Elements,
    state: PartState,
  ): { readonly value: unknown } | undefined {
    const wanted: PartState | undefined =
      state === "error"
        ? "error"
        : loop === "all"
          ? state === "false"
            ? "false"
            : undefined
          : state === "true"
            ? "true"
            : undefined;
    if (wanted === undefined) return undefined;
    for (const value of this.#items(receiver, elements)) {
      if (this.#outcome(predicate, { ...elements, [name]: value }).state === wanted) return { value };
    }
    return undefined;
  }

  /** A loop goes over the elements of a list, or over the keys of a mapping. */
  #items(receiver: ASTNode, elements: Elements): readonly unknown[] {
    const list = this.#value(receiver, elements);
    if ("error" in list || typeof list.value !== "object" || list.value === null) return [];
    return (Array.isArray(list.value) ? list.value : Object.keys(list.value)).slice(0, maxItems);
  }

  #seen(node: ASTNode, elements: Elements): readonly SeenValue[] {
    return accessesIn(node, new Set(Object.keys(elements))).map((access) => {
      const found = this.#value(access, elements);
      return "error" in found ? { name: accessText(access) } : seenValue(accessText(access), this.#ground.clean(found.value));
    });
  }

  #outcome(node: ASTNode, elements: Elements): { readonly state: PartState; readonly error?: string } {
    const found = this.#value(node, elements);
    if ("error" in found) return { state: "error", error: found.error };
    if (typeof found.value === "boolean") return { state: found.value ? "true" : "false" };
    return { state: "error", error: "it gave neither true nor false" };
  }

  #value(node: ASTNode, elements: Elements): { readonly value: unknown } | { readonly error: string } {
    const { question, facts } = this.#ground;
    try {
      return { value: this.#condition.evaluatePart(node, question, { facts, elements }) };
    } catch (error) {
      return {
        error: String(this.#ground.clean(error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error))),
      };
    }
  }

  #origin(node: ASTNode): Pick<ConditionPart, "text" | "file" | "line" | "column"> {
    const { start, end } = partRange(this.#condition.text, node);
    return { text: this.#condition.text.slice(start, end), ...this.#placeOf(start) };
  }
}

/** More elements of one list than this are not searched for the one that decided. */
const maxItems = 1000;

const opposite = { true: "false", false: "true", error: "error", skipped: "skipped" } as const satisfies Readonly<
  Record<PartState, PartState>
>;

type Call = Extract<ASTNode, { op: "rcall" }>;
type Identifier = Extract<ASTNode, { op: "id" }>;
/** `list.exists(name, condition)` and its like, which give true or false. */
type Quantifier = Call & {
  readonly args: readonly [NonNullable<ConditionPart["quantifier"]>, ASTNode, readonly [Identifier, ASTNode]];
};

const quantifiers: ReadonlySet<string> = new Set(["exists", "all", "exists_one"]);

function isQuantifier(node: Call): node is Quantifier {
  const [name, , args] = node.args;
  return quantifiers.has(name) && args.length === 2 && args[0]?.op === "id";
}

/** `a && b && c` is two nodes and three operands. */
function operands(node: ASTNode, op: "&&" | "||"): readonly ASTNode[] {
  return node.op === op ? node.args.flatMap((operand) => operands(operand, op)) : [node];
}

/** Marks what the result rests on. */
function decided(part: Undecided, decisive: boolean): ConditionPart {
  const { parts, ...own } = part;
  if (!parts) return { ...own, decisive };
  return { ...own, decisive, parts: parts.map((one) => decided(one, decisive && carries(part, parts, one))) };
}

/** Whether a part's result rests on one of its own parts. */
function carries({ kind, state }: Undecided, parts: readonly Undecided[], one: Undecided): boolean {
  switch (kind) {
    case "and":
    case "or":
      // All of them where none alone decided; otherwise the one that did.
      return state === (kind === "and" ? "true" : "false") || one === parts.find((part) => part.state === state);
    case "choice":
      return one.state !== "skipped";
    default:
      return true;
  }
}
