"""What psycopg does with a connection; prints everything that it gets. Connects by the PG* variables of the environment."""

import datetime
import faulthandler
import logging
import decimal
import sys
import uuid

import psycopg
from psycopg import pq
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb


# Whether it complains about a pipeline that failed depends on its timing.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)
# Says where it hangs, if it does.
faulthandler.dump_traceback_later(20, exit=True)


def show(name, value):
    print(f"{name}: {value!r}")


def failing(name, call):
    try:
        show(name, call())
    except psycopg.Error as error:
        show(name, (type(error).__name__, error.sqlstate, str(error).strip()))


def result(res):
    rows = [[res.get_value(row, column) for column in range(res.nfields)] for row in range(res.ntuples)]
    return (pq.ExecStatus(res.status).name, [res.fname(c) for c in range(res.nfields)], [res.ftype(c) for c in range(res.nfields)], rows, res.command_status, res.error_message)


def types(conn):
    values = [
        True, 7, 2**40, 2**70, 1.5, decimal.Decimal("12.50"), "text ä", b"\x00\xff", None, datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 12, 34, 56, 789), datetime.timedelta(days=1, seconds=2), datetime.time(1, 2, 3),
        uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), [1, 2, None], ["a", None], Jsonb({"a": [1, None]}),
    ]
    for value in values:
        for placeholder in ("%s", "%b", "%t"):
            for binary in (False, True):
                failing(f"{type(value).__name__} {placeholder} {binary}", lambda: conn.execute(f"select {placeholder}", [value], binary=binary).fetchone())
    for statement in sys.stdin.read().split("\n;\n"):
        for form in (0, 1):
            show("raw", result(conn.pgconn.exec_params(statement.encode(), [], result_format=form)))


def transactions(conn):
    conn.execute("create temp table t (a int primary key, b text)")
    conn.commit()
    with conn.transaction():
        conn.execute("insert into t values (%s, %s)", (1, "one"))
        failing("inner", lambda: inner(conn))
        conn.execute("insert into t values (%s, %s)", (2, "two"))
    show("rows", conn.execute("select * from t order by a").fetchall())
    failing("twice", lambda: conn.execute("insert into t values (1, 'again')"))
    failing("aborted", lambda: conn.execute("select 1"))
    show("status", conn.info.transaction_status.name)
    conn.rollback()
    show("status", conn.info.transaction_status.name)
    with conn.cursor() as cursor:
        cursor.executemany("insert into t values (%s, %s) returning a", [(n, str(n)) for n in range(10, 15)], returning=True)
        show("many", [cursor.fetchone()] + [cursor.fetchone() for _ in iter(cursor.nextset, None)])
    with conn.cursor("named") as cursor:
        cursor.itersize = 2
        cursor.execute("select a from t order by a")
        show("server side", list(cursor))
    with conn.cursor(row_factory=dict_row) as cursor:
        show("dict", cursor.execute("select * from t where a = any(%s) order by a", ([1, 2],)).fetchall())
    show("stream", list(conn.cursor().stream("select a from t where a > %s order by a", (9,))))
    conn.commit()
    for n in range(8):
        show("prepared", conn.execute("select b from t where a = %s", (n,), prepare=True).fetchall())
    conn.rollback()


def inner(conn):
    with conn.transaction():
        conn.execute("insert into t values (9, 'nine')")
        conn.execute("insert into t values (1, 'taken')")


def copies(conn):
    with conn.cursor() as cursor:
        with cursor.copy("copy t from stdin") as copy:
            for n in range(100, 103):
                copy.write_row((n, "row\t%d" % n))
        with cursor.copy("copy t (a, b) from stdin (format binary)") as copy:
            copy.set_types(["int4", "text"])
            copy.write_row((200, "binary"))
        for form in ("", " (format binary)"):
            with cursor.copy("copy (select * from t where a >= 100 order by a) to stdout" + form) as copy:
                show("copied", b"".join(bytes(data) for data in copy))
        with cursor.copy("copy (select * from t where a >= 100 order by a) to stdout") as copy:
            copy.set_types(["int4", "text"])
            show("rows", list(copy.rows()))
    conn.commit()

    def given_up():
        with conn.cursor().copy("copy t from stdin") as copy:
            copy.write("1000\tx\n")
            raise ValueError("no more")

    failing("given up", given_up)
    conn.rollback()

    def wrong():
        with conn.cursor().copy("copy t from stdin") as copy:
            copy.write("x\ty\n")

    failing("wrong", wrong)
    conn.rollback()
    show("count", conn.execute("select count(*) from t where a >= 100").fetchone())
    conn.rollback()


def pipelines(conn):
    conn.autocommit = True
    with conn.pipeline():
        cursors = [conn.execute("select %s::int * 2", (n,)) for n in range(20)]
        show("pipeline", [cursor.fetchone() for cursor in cursors])

    def broken():
        with conn.pipeline():
            conn.execute("insert into t values (300, 'before')")
            conn.execute("select 1 / 0")
            conn.execute("insert into t values (301, 'after')")

    failing("broken", broken)
    show("after", conn.execute("select count(*) from t where a >= 300").fetchone())
    with conn.pipeline() as pipeline:
        with conn.transaction():
            conn.execute("insert into t values (302, 'in a transaction')")
        pipeline.sync()
        show("seen", conn.execute("select a from t where a >= 300").fetchall())
    # libpq's own calls: results come one by one, with a synchronisation after each of them.
    raw = conn.pgconn
    raw.enter_pipeline_mode()
    for statement in (b"select 1", b"select nothing", b"select 3"):
        raw.send_query_params(statement, [])
    raw.pipeline_sync()
    raw.send_query_params(b"select 4", [])
    raw.send_prepare(b"named", b"select $1::text")
    raw.send_query_prepared(b"named", [b"x"])
    raw.send_describe_prepared(b"named")
    raw.pipeline_sync()
    syncs, blanks = 0, 0
    while syncs < 2 and blanks < 50:
        res = raw.get_result()
        if res is None:
            blanks += 1
            continue
        blanks = 0
        syncs += pq.ExecStatus(res.status) == pq.ExecStatus.PIPELINE_SYNC
        show("raw", result(res))
    raw.exit_pipeline_mode()
    conn.autocommit = False


def notifications(conn):
    conn.autocommit = True
    notified = []
    conn.add_notify_handler(lambda one: notified.append((one.channel, one.payload)))
    conn.execute("listen news")
    conn.execute("notify news, 'payload'")
    conn.execute("select pg_notify('news', 'second')")
    conn.execute("unlisten *")
    show("notified", notified)
    notices = []
    conn.add_notice_handler(lambda diagnostic: notices.append((diagnostic.severity, diagnostic.message_primary, diagnostic.message_hint)))
    conn.execute("do $$ begin raise notice 'note' using hint = 'a hint'; raise warning 'warn'; end $$")
    show("notices", notices)
    conn.autocommit = False


def errors(conn):
    for statement in ("select 1 / 0", "selec 1", "select * from nowhere", "select 'x'::int", "insert into t values (1, 'taken')", "select 1; select 2", ""):
        failing(statement, lambda: conn.execute(statement).fetchall())
        conn.rollback()
        failing(statement + " (with values)", lambda: conn.execute(statement + "/* %s */", (1,)).fetchall())
        conn.rollback()


with psycopg.connect() as connection:
    connection.execute("set timezone = 'UTC'")
    connection.commit()
    connection.autocommit = True
    show("info", (connection.info.server_version, connection.info.encoding, connection.info.parameter_status("standard_conforming_strings")))
    types(connection)
    connection.autocommit = False
    for part in (transactions, copies, pipelines, notifications, errors):
        part(connection)
    show("cancelled", connection.cancel())
