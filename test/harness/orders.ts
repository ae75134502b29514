/** The database of the tests and the demo: orders of a shop, with one login for reading and one for writing. */
export function ordersSql(passwords: { readonly reader: string; readonly writer: string }): readonly string[] {
  return [
    "create database orders",
    `create role orders_reader login password '${passwords.reader}'`,
    `create role orders_writer login password '${passwords.writer}'`,
  ];
}

/** Statements for the database `orders` itself, run as the superuser. */
export const ordersTables: readonly string[] = [
  "create table orders (id int primary key, customer text not null, total numeric(10,2) not null, status text not null, placed_at timestamptz not null)",
  `insert into orders select n, 'customer ' || (n % 97), (n * 7 % 500) + 0.99,
     case when n % 5 = 0 then 'duplicate' else 'paid' end, timestamptz '2026-01-01' + n * interval '1 hour' from generate_series(1, 500) n`,
  "grant usage on schema public to orders_reader, orders_writer",
  "grant select on orders to orders_reader",
  "grant select, insert, update, delete on orders to orders_writer",
];

/** A policy for it: reads run, writes wait for a database administrator, the rest is refused. */
export const ordersPolicy = `version: 1
rules:
  - id: reads-are-free
    resources: [orders-db]
    when: sql.readOnly
    effect: allow
    role: reader
  - id: writes-need-a-human
    resources: [orders-db]
    when: sql.writes
    effect: review
    role: writer
    approval:
      stages:
        - approvers: [group:dba-oncall]
          count: 1
      expires: 1h
      validFor: 5m
  - id: never
    resources: [orders-db]
    when: sql.kinds.exists(k, k == "DROP" || k == "TRUNCATE" || k == "ALTER SYSTEM")
    effect: deny
    message: Ask the platform team.
`;
