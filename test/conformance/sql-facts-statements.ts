/** A seeded source of choices: the same seed makes the same statements. */
export class Choices {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 to below `limit` (mulberry32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }
}

/** What stands in FROM: every one has the columns `id` and `n` (integers) and `name` (text). */
const relations = [
  "item",
  "app.item",
  "public.item",
  "only item",
  "orders",
  "public.orders",
  'app."We.ird"',
  "app.line",
  "line",
  "app.summary",
  "summary",
  "public.stock",
  "app.part",
] as const;

/** What may be written to. */
const targets = [
  "item",
  "app.item",
  "public.item",
  "orders",
  'app."We.ird"',
  "app.line",
  "app.part",
  "app.summary",
  "scratch",
] as const;

const ordinaryCalls = [
  "lower(%t)",
  "length(%t)",
  "abs(%n)",
  "coalesce(%n, 0)",
  "greatest(%n, 1)",
  "now()",
  "random()",
  "to_char(%n, '999')",
  "%n between 1 and 5",
  "%t like 'a%'",
  "%n in (1, 2, 3)",
  "%t || 'x'",
  "case when %n > 1 then %t end",
  "%n::text",
  "row_number() over (order by %n)",
  "pg_relation_size('app.item')",
  "currval('app.numbers')",
  "current_setting('work_mem')",
  "array[%n, 1]",
  "jsonb_build_object('a', %n)",
  "(%n, %t) is not null",
  "'app.item'::regclass",
] as const;

/** With an effect, which rolling back does not always undo. */
const effects = [
  "nextval('app.numbers')",
  "setval('app.numbers', 50)",
  "touch()",
  "public.touch()",
  "app.peek()",
  "pg_advisory_lock(1)",
  "pg_try_advisory_xact_lock(2)",
  "pg_current_xact_id()",
  "set_config('work_mem', '5MB', false)",
  "pg_notify('a', 'b')",
  "lo_create(0)",
  "query_to_xml('select * from app.secret', true, true, '')",
  "table_to_xml('app.secret', true, true, '')",
  "nextval(pg_get_serial_sequence('public.orders', 'id'))",
  "('app.numbers'::regclass).nextval",
] as const;

/** Statements over the world of the test: queries, changes and definitions, put together at random. */
export class Statements {
  readonly #choices: Choices;
  #aliases = 0;

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  statement(): string {
    const choices = this.#choices;
    this.#aliases = 0;
    const inner = () => (choices.chance(50) ? this.#select(2) : this.#change(2));
    switch (choices.below(24)) {
      case 0:
        return `explain ${choices.pick(["", "verbose", "(analyze off)", "(costs off)"])} ${inner()}`;
      case 1:
        return `explain ${choices.pick(["analyze", "(analyze)", "(analyze 1, costs off)", "(analyze true)"])} ${inner()}`;
      case 2:
        return `copy (${choices.chance(60) ? this.#select(2) : this.#returning(this.#change(2))}) to stdout`;
      case 3:
        return choices.chance(50) ? `copy ${choices.pick(["item", "app.line", "public.orders (id)"])} to stdout` : this.#lock();
      case 4:
        return `create ${choices.pick(["", "temp", "unlogged"])} table made as ${this.#select(2)}`;
      case 5:
        return this.#select(1).replace(" from ", ` into ${choices.pick(["made", "app.made", "temp made"])} from `);
      case 6:
        return `declare c cursor for ${this.#select(2)}`;
      case 7:
        return `prepare p as ${inner()}`;
      case 8:
        return this.#definition();
      case 9:
      case 10:
      case 11:
      case 12:
      case 13:
      case 14:
        return this.#change(3);
      default:
        return this.#select(3);
    }
  }

  #lock(): string {
    return `lock table ${this.#choices.pick(targets)} in ${this.#choices.pick(["access share", "row exclusive", "exclusive"])} mode`;
  }

  #definition(): string {
    const target = this.#choices.pick(targets);
    return this.#choices.pick([
      `truncate ${target}`,
      `alter table ${target} add column extra int`,
      `alter table ${target} rename to other`,
      `create index on ${target} (n)`,
      `comment on table ${target} is 'x'`,
      `drop table ${target}`,
      `create view made as ${this.#select(1)}`,
      "refresh materialized view public.stock",
      `grant select on ${target} to public`,
      `analyze ${target}`,
      "set work_mem = '3MB'",
      "listen a",
      "show work_mem",
      `create trigger t before insert on ${target} for each row execute function app.nothing()`,
      `create table made (like ${target})`,
      `alter table ${target} alter column n set default nextval('app.numbers')`,
    ]);
  }

  #alias(): string {
    return `a${this.#aliases++}`;
  }

  #select(depth: number): string {
    const choices = this.#choices;
    if (depth > 1 && choices.chance(15)) {
      const word = choices.pick(["union", "union all", "intersect", "except"]);
      return `(${this.#core(depth - 1)}) ${word} (${this.#core(depth - 1)})`;
    }
    if (depth > 1 && choices.chance(20)) {
      const name = choices.pick(["item", "orders", "w"]);
      const query = choices.chance(25) ? this.#returning(this.#change(depth - 1)) : this.#core(depth - 1);
      return `with ${name} as ${choices.pick(["", "materialized "])}(${query}) ${this.#core(depth - 1, name)}`;
    }
    return this.#core(depth);
  }

  /** A SELECT of the columns id, n and name. */
  #core(depth: number, from?: string): string {
    const choices = this.#choices;
    const alias = this.#alias();
    let source = `${from ?? this.#source(depth)} as ${alias}`;
    if (depth > 1 && choices.chance(35)) {
      const other = this.#alias();
      const kind = choices.pick(["join", "left join", "full join", "cross join"]);
      const condition = kind.includes("cross") ? "" : choices.pick([` on ${alias}.id = ${other}.id`, " using (id)"]);
      const joined = condition.includes("using") ? choices.pick(["app.item", "public.orders"]) : this.#source(depth - 1);
      source += ` ${kind} ${joined} as ${other}${condition}`;
    }
    const extra = choices.chance(60) ? `, ${this.#expression(alias, depth)}` : "";
    const where = choices.chance(60) ? ` where ${this.#condition(alias, depth)}` : "";
    const tail = choices.chance(20) ? ` order by ${alias}.n` : "";
    const limit = choices.chance(20) ? " limit 3" : "";
    const lock = choices.chance(6) ? ` for ${choices.pick(["update", "share", "no key update", "key share"])} of ${alias}` : "";
    return `select ${alias}.id, ${alias}.n, ${alias}.name${extra} from ${source}${where}${tail}${limit}${lock}`;
  }

  #source(depth: number): string {
    const choices = this.#choices;
    if (depth > 1 && choices.chance(15)) return `(select q.id, q.n, q.name from (${this.#select(depth - 1)}) as q (id, n, name))`;
    return choices.pick(relations);
  }

  #expression(alias: string, depth: number): string {
    const choices = this.#choices;
    if (depth > 1 && choices.chance(25)) return this.#subquery(depth, alias);
    const call = choices.chance(7) ? choices.pick(effects) : choices.pick(ordinaryCalls);
    return call.replaceAll("%n", `${alias}.n`).replaceAll("%t", `${alias}.name`);
  }

  #subquery(depth: number, alias: string): string {
    const inner = `select z.id from (${this.#select(depth - 1)}) as z (id) limit 1`;
    return this.#choices.pick([`(${inner})`, `array(${inner})`, `exists (${inner})`, `${alias}.id in (${inner})`]);
  }

  #condition(alias: string, depth: number): string {
    const choices = this.#choices;
    const simple = choices.pick([`${alias}.id = 1`, `${alias}.n > 0`, `${alias}.name <> 'x'`, "true", `${alias}.id is not null`]);
    if (depth > 1 && choices.chance(30)) {
      const inner = `select y.id from (${this.#select(depth - 1)}) as y (id)`;
      return `${simple} ${choices.pick(["and", "or"])} ${alias}.id ${choices.pick(["in", "= any", "not in"])} (${inner})`;
    }
    if (choices.chance(8)) return `${simple} and (${choices.pick(effects)}) is not null`;
    return simple;
  }

  #change(depth: number): string {
    const choices = this.#choices;
    const target = choices.pick(targets);
    const alias = this.#alias();
    const where = choices.chance(70) ? ` where ${this.#condition(alias, depth)}` : "";
    switch (choices.below(6)) {
      case 0: {
        const rows = choices.chance(50)
          ? "values (901, 1, 'x')"
          : `select x.id + 1000, x.n, x.name from (${this.#select(depth - 1)}) as x (id, n, name)`;
        const conflict = choices.pick([
          "",
          "",
          " on conflict do nothing",
          ` on conflict (id) do update set n = (select max(s.n) from ${choices.pick(relations)} s)`,
        ]);
        return `insert into ${target} as ${alias} (id, n, name) ${rows}${conflict}`;
      }
      case 1:
        return `update ${target} as ${alias} set n = ${choices.pick([`${alias}.n + 1`, "7", `(select max(u.n) from ${choices.pick(relations)} u)`])}${where}`;
      case 2:
        return `update ${target} as ${alias} set name = f.name from ${this.#source(depth)} as f${where === "" ? ` where f.id = ${alias}.id` : `${where} and f.id = ${alias}.id`}`;
      case 3:
        return `delete from ${target} as ${alias}${where}`;
      case 4:
        return `delete from ${target} as ${alias} using ${this.#source(depth)} as g where g.id = ${alias}.id`;
      default: {
        const action = choices.pick([
          "when matched then update set n = 5",
          "when matched then delete",
          "when not matched then insert (id, n, name) values (902, 1, 'm')",
        ]);
        return `merge into ${target} as ${alias} using ${this.#source(depth)} as h on h.id = ${alias}.id ${action}`;
      }
    }
  }

  #returning(change: string): string {
    // MERGE has RETURNING from version 17 on only.
    return change.startsWith("merge")
      ? "delete from item returning id, n, name"
      : `${change} returning 1 as id, 2 as n, 'r' as name`;
  }
}
