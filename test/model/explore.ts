import type { Scenario } from "./scenario.ts";
import { World } from "./world.ts";

/** What an exploration came to. */
export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** The longest run, steps. */
  readonly depth: number;
  /** In how many states a statement had been sent. */
  readonly ran: number;
  /** Present when an invariant is broken: what is wrong, and how it comes to that. */
  readonly broken?: { readonly what: string; readonly trace: readonly string[] };
}

/**
 * Explores every order in which the steps of a scenario can happen, depth first. A state is reached by doing its steps anew, for code that waits
 * cannot be copied; one that looks the same as an earlier one, with everything that anybody has seen in it, is not looked at again.
 */
export async function explore(scenario: Scenario): Promise<Exploration> {
  const visited = new Set<string>();
  const led = new Set<string>();
  const begin = new World(scenario);
  await begin.prepare();
  const open: (readonly number[])[] = [[]];
  let transitions = 0;
  let depth = 0;
  let ran = 0;
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const world = new World(scenario);
    currentWorld = world;
    await world.startFrom(begin);
    const taken: string[] = [];
    const way = [...path];
    for (const index of path) taken.push(await step(world, index));
    for (;;) {
      const what = world.check();
      if (what !== undefined) {
        return { states: visited.size, transitions, depth, ran, broken: { what, trace: taken } };
      }
      const state = world.fingerprint();
      if (visited.has(state)) break;
      visited.add(state);
      if (world.target.sent().length > 0) ran++;
      const choices = world.choices();
      transitions += choices.length;
      for (const [index, { leadsTo }] of choices.entries()) {
        if (index > 0 && (leadsTo === undefined || !led.has(leadsTo))) open.push([...way, index]);
        if (leadsTo !== undefined) led.add(leadsTo);
      }
      if (choices.length === 0) break;
      taken.push(await step(world, 0));
      way.push(0);
      depth = Math.max(depth, way.length);
    }
  }
  return { states: visited.size, transitions, depth, ran };
}

/** The world that is explored now: the product's pauses go to it. */
let currentWorld: World | undefined;

/** A pause of the product in the world that is explored now. */
export function pause(): Promise<void> {
  return currentWorld?.pause() ?? Promise.resolve();
}

async function step(world: World, index: number): Promise<string> {
  const choice = world.choices()[index];
  if (choice === undefined) throw new Error("The run is not repeatable: the same steps led elsewhere");
  await choice.take();
  return choice.name;
}
