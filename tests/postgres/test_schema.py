"""The schema is made once however many come first, brought up to date on purpose, and foreign ones are left alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from queuemgr.errors import ForeignStore, NewerStore, StoreError
from queuemgr.job import State
from queuemgr.result import Owner
from queuemgr.store import KEEP, KEEP_DEAD, Query, lifetime
from queuemgr.stores.postgres import schema
from queuemgr.stores.postgres.address import read_address
from queuemgr.stores.postgres.large import PostgresPlace
from queuemgr.stores.postgres.store import PostgresStore
from tests.postgres.rig import answer_of, at, make_job, plain, start_python, this_process


def test_processes_that_open_at_once_find_one_schema(postgres_url: str) -> None:
    code = """
        sys.stdin.read()
        store = PostgresStore(sys.argv[1])
        store.enqueue_now([make_job()])
        asyncio.run(store.close())
    """
    crowd = [start_python(code, postgres_url) for _ in range(4)]
    for one in crowd:
        answer_of(one)
    with plain(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (4,)
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == (str(schema.VERSION),)


def test_a_schema_can_be_asked_for_its_version_before_and_after_it_is_made(store: PostgresStore) -> None:
    async def course() -> list[tuple[int, int]]:
        return [await store.schema(), await store.migrate(), await store.schema(), await store.migrate()]

    new = schema.VERSION
    assert asyncio.run(course()) == [(0, new), (0, new), (new, new), (new, new)]


def test_a_store_that_may_not_change_tables_says_who_can(postgres_url: str) -> None:
    async def course() -> None:
        careful = PostgresStore(at(postgres_url, migrate="manual"))
        with pytest.raises(StoreError, match="queuemgr store migrate"):
            await careful.open()
        assert await careful.schema() == (0, schema.VERSION)
        await careful.migrate()
        await careful.open()
        assert await careful.count(Query()) == 0
        await careful.close()

    asyncio.run(course())


def test_a_role_without_the_right_to_make_a_schema_is_told_what_to_do(postgres_url: str) -> None:
    role = read_address(postgres_url).schema
    with plain(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
    try:
        store = PostgresStore(postgres_url.replace("queuemgr@", f"{role}@"))
        with pytest.raises(StoreError, match=r"rights|migrate"):
            asyncio.run(store.open())
        asyncio.run(store.close())
    finally:
        with plain(postgres_url, autocommit=True) as connection:
            connection.execute(f"DROP ROLE {role}")


def test_a_schema_of_the_first_version_goes_on_with_its_jobs_and_todays_functions(
    postgres_url: str, store: PostgresStore
) -> None:
    store.enqueue_now([make_job()])
    asyncio.run(store.close())
    with plain(postgres_url) as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
        connection.execute("DROP FUNCTION leave(text, json, float8, boolean)")
        connection.execute(
            "CREATE FUNCTION leave(who text, given float8, died boolean) RETURNS void LANGUAGE sql AS ''"
        )

    async def course() -> None:
        newer = PostgresStore(postgres_url)
        assert await newer.schema() == (1, schema.VERSION)
        assert await newer.count(Query()) == 1
        await newer.leave("nobody")
        assert await newer.schema() == (schema.VERSION, schema.VERSION)
        await newer.close()

    asyncio.run(course())
    with plain(postgres_url) as connection:
        numbers = "SELECT pronargs FROM pg_proc WHERE proname = 'leave' AND pronamespace = current_schema::regnamespace"
        assert connection.execute(numbers).fetchall() == [(4,)]


def test_workers_of_the_second_version_that_still_run_join_and_beat_as_before(
    postgres_url: str, store: PostgresStore
) -> None:
    asyncio.run(store.open())
    with plain(postgres_url) as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema'")
        for older in ("join_worker(info json, given float8)", "beat(who text, said text, rest float8, given float8)"):
            connection.execute(f"CREATE FUNCTION {older} RETURNS json LANGUAGE sql AS $$ SELECT '[]'::json $$")
        for newer in ("join_worker(json, json, float8)", "beat(text, json, text, float8, float8)"):
            connection.execute(f"DROP FUNCTION {newer}")

    async def course() -> None:
        newer = PostgresStore(postgres_url)
        await newer.join(this_process())
        assert await newer.beat("w") == []
        await newer.close()

    asyncio.run(course())
    with plain(postgres_url) as connection:
        assert connection.execute("SELECT join_worker('{}', NULL), beat('w', NULL, 1, NULL)").fetchone() == ([], [])


def test_a_newer_schema_is_left_alone(postgres_url: str, store: PostgresStore) -> None:
    asyncio.run(store.open())
    with plain(postgres_url) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(NewerStore, match="update queuemgr"):
        asyncio.run(PostgresStore(postgres_url).open())


@pytest.mark.parametrize("table", ["orders (number integer)", "meta (key text, value text)"])
def test_a_schema_with_tables_of_somebody_else_is_left_alone(postgres_url: str, table: str) -> None:
    name = read_address(postgres_url).schema
    with plain(postgres_url) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        connection.execute(f"CREATE TABLE {name}.{table}")
    with pytest.raises(ForeignStore, match="schema=NAME"):
        asyncio.run(PostgresStore(postgres_url).open())


def test_an_empty_schema_that_somebody_made_for_us_is_used(postgres_url: str, store: PostgresStore) -> None:
    with plain(postgres_url) as connection:
        connection.execute(f"CREATE SCHEMA {read_address(postgres_url).schema}")
    store.enqueue_now([make_job()])
    assert asyncio.run(store.count(Query())) == 1


@pytest.mark.parametrize("keep", [None, 0.0, 60.0, 2 * KEEP_DEAD])
@pytest.mark.parametrize("state", [State.SUCCEEDED, State.DEAD, State.CANCELLED])
def test_the_server_keeps_ended_jobs_as_long_as_the_contract_says(
    postgres_url: str, store: PostgresStore, state: State, keep: float | None
) -> None:
    asyncio.run(store.open())
    with plain(postgres_url) as connection:
        told = connection.execute("SELECT lifetime(%s::smallint, %s::float8)", (int(state), keep)).fetchone()
    assert told == (lifetime(state, keep),)
    assert KEEP == 604800


def test_no_function_names_another_schema_than_its_own(postgres_url: str, store: PostgresStore) -> None:
    asyncio.run(store.open())
    mine = read_address(postgres_url).schema
    with plain(postgres_url) as connection:
        bodies = [row[0] for row in connection.execute(
            "SELECT prosrc FROM pg_proc WHERE pronamespace = to_regnamespace(%s)", (mine,))]  # fmt: skip
    assert bodies
    assert not [body for body in bodies if "queuemgr." in body.replace("queuemgr.errors", "")]


def test_stores_in_two_schemas_of_one_database_do_not_meet(postgres_url: str, store: PostgresStore) -> None:
    other = PostgresStore(postgres_url.replace("schema=t", "schema=u"))
    store.enqueue_now([make_job()])
    assert asyncio.run(other.count(Query())) == 0
    asyncio.run(other.close())


def test_a_role_with_the_documented_rights_keeps_large_results_in_a_store_that_another_made(
    postgres_url: str, store: PostgresStore
) -> None:
    asyncio.run(store.migrate())
    role = read_address(postgres_url).schema
    documented = Path(__file__).parents[2].joinpath("docs", "postgresql.md").read_text(encoding="utf-8")
    grants = [
        line.replace("SCHEMA queuemgr TO shop", f'SCHEMA "{role}" TO "{role}"') for line in documented.splitlines()
    ]
    with plain(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE ROLE "{role}" LOGIN')
        connection.execute("".join(line for line in grants if line.startswith("GRANT ")))
    place = PostgresPlace(at(postgres_url, migrate="manual").replace("queuemgr@", f"{role}@"))
    try:
        draft = place.draft(Owner("job", 1))
        draft.write(b"much")
        draft.keep("0" * 64)
        assert place.open("0" * 64).read(0, 9) == b"much"
        assert place.release(list(place.holdings())) == 4
    finally:
        place.close()
        with plain(postgres_url, autocommit=True) as connection:
            connection.execute(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


def test_a_store_of_before_large_results_gets_their_tables_on_purpose_or_with_the_first_of_them(
    postgres_url: str, store: PostgresStore
) -> None:
    def forget() -> None:
        with plain(postgres_url) as connection:
            connection.execute("DROP TABLE large_results, large_result_chunks, large_result_holders")

    asyncio.run(store.open())
    forget()
    careful = PostgresPlace(at(postgres_url, migrate="manual"))
    assert list(careful.holdings()) == []
    with pytest.raises(StoreError, match="queuemgr store migrate"):
        careful.draft(Owner("job", 1))
    assert asyncio.run(store.migrate()) == (schema.VERSION, schema.VERSION)
    careful.draft(Owner("job", 1)).discard()
    careful.close()
    forget()
    bold = PostgresPlace(postgres_url)
    bold.draft(Owner("job", 1)).discard()
    bold.close()
