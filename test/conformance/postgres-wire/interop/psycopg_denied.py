"""What psycopg sees when one statement of several is denied; prints it. Connects by the PG* variables of the environment."""

import psycopg


def show(name, value):
    print(f"{name}: {value!r}")


def failing(name, call):
    try:
        show(name, call())
    except psycopg.Error as error:
        show(name, (type(error).__name__, error.sqlstate, error.diag.message_primary))


denied = "select * from forbidden"

with psycopg.connect(autocommit=True) as conn:
    conn.execute("create temp table t (a int)")
    failing("alone", lambda: conn.execute(denied))
    failing("with values", lambda: conn.execute(denied + " where 1 = %s", (1,)))
    failing("prepared", lambda: conn.execute(denied, prepare=True))
    failing("in a text of several", lambda: conn.execute("insert into t values (0); " + denied))
    failing("by a named cursor", lambda: conn.cursor("named", withhold=True).execute(denied))
    failing("by COPY", lambda: list(conn.cursor().copy("copy forbidden to stdout").__enter__()))
    show("status", conn.info.transaction_status.name)
    show("goes on", conn.execute("select 1").fetchone())
    conn.autocommit = False
    conn.execute("insert into t values (1)")
    failing("in a transaction", lambda: conn.execute(denied))
    show("status", conn.info.transaction_status.name)
    conn.execute("insert into t values (2)")
    conn.commit()
    show("committed", conn.execute("select a from t order by a").fetchall())
    conn.rollback()
    conn.autocommit = True

    def pipelined():
        with conn.pipeline():
            conn.execute("insert into t values (3)")
            conn.execute(denied)
            conn.execute("insert into t values (4)")

    failing("in a pipeline", pipelined)
    show("rolled back as one", conn.execute("select a from t order by a").fetchall())

    def later():
        with conn.pipeline() as pipeline:
            first = conn.execute("insert into t values (5)")
            pipeline.sync()
            try:
                conn.execute(denied)
                pipeline.sync()
            except psycopg.Error:
                pass
            conn.execute("insert into t values (6)")
            pipeline.sync()
            return first.rowcount

    failing("between synchronisations", later)
    show("each by itself", conn.execute("select a from t order by a").fetchall())
