"""Migrations make exactly the tables that the code uses, all or nothing, once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from isthmus.core.errors import Conflict, Misconfigured
from isthmus.core.model.identity import new_id, now
from isthmus.core.store import schema, upgrade
from isthmus.core.store.database import Database
from tests.environment.database import another


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    """An open database without any table."""
    opened = Database(database_url)
    yield opened
    opened.close()


def stand_before_the_last_release(database: Database) -> None:
    """As if an older release had made the tables, with one revision to go."""
    upgrade.upgrade(database)
    database.change(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '0000'")))


def add_operation(database: Database, kind: str, version: int, state: str) -> str:
    row = {
        "id": new_id(),
        "kind": kind,
        "flow_version": version,
        "state": state,
        "context": {},
        "created_at": now(),
        "updated_at": now(),
    }
    database.change(lambda tx: tx.execute(schema.operations.insert(), row))
    return str(row["id"])


def test_migrations_make_exactly_what_the_schema_says(empty: Database) -> None:
    assert upgrade.is_empty(empty)
    assert upgrade.current(empty) is None
    assert upgrade.pending(empty)
    assert upgrade.upgrade(empty)
    with empty.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, schema.metadata) == []
        assert set(inspect(tx).get_table_names()) == {*schema.metadata.tables, "alembic_version"}
    assert not upgrade.is_empty(empty)
    assert upgrade.current(empty) == upgrade.head()
    assert not upgrade.pending(empty)
    assert not upgrade.upgrade(empty)


@pytest.mark.parametrize(("database_url", "database"), [("sqlite",) * 2, ("postgresql",) * 2], indirect=True)
def test_the_indexes_are_those_of_the_schema_down_to_their_conditions(empty: Database, database: Database) -> None:
    """What Alembic does not compare: the conditions of partial indexes."""
    upgrade.upgrade(empty)
    listed = text(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name != 'alembic_version'"
        if empty.is_sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename != 'alembic_version'"
    )

    def indexes(opened: Database) -> set[tuple[str, str]]:
        with opened.read() as tx:
            return {(name, " ".join(definition.split())) for name, definition in tx.execute(listed)}

    assert indexes(empty) == indexes(database)
    assert any("ix_events_unnumbered" in name for name, _ in indexes(empty))


def test_the_known_revisions_are_those_of_alembic_and_form_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(upgrade.MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [upgrade.head()]
    assert tuple(reversed([revision.revision for revision in script.walk_revisions()])) == upgrade.revisions()


SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("tenants") as batch:
        batch.add_column(sa.Column("color", sa.String(16), nullable=False, server_default="red"))
        batch.alter_column("description", new_column_name="about")
        batch.create_index("ix_tenants_color", ["color"])
"""


def test_a_later_release_changes_tables_and_keeps_what_is_in_them(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade.upgrade(empty)
    row = {"id": "1", "name": "acme", "description": "first", "created_at": now(), "updated_at": now(), "metadata": {}}
    empty.change(lambda tx: tx.execute(schema.tenants.insert(), row))
    shutil.copytree(upgrade.MIGRATIONS, tmp_path / "migrations")
    (tmp_path / "migrations" / "versions" / "0002_color.py").write_text(SECOND)
    monkeypatch.setattr(upgrade, "MIGRATIONS", tmp_path / "migrations")
    upgrade.revisions.cache_clear()
    try:
        assert upgrade.pending(empty)
        assert upgrade.upgrade(empty, dict)
        assert upgrade.current(empty) == upgrade.head() == "0002"
    finally:
        upgrade.revisions.cache_clear()
    with empty.read() as tx:
        assert tx.execute(text("SELECT name, about, color FROM tenants")).one() == ("acme", "first", "red")
        assert "ix_tenants_color" in {index["name"] for index in inspect(tx).get_indexes("tenants")}
        assert inspect(tx).get_unique_constraints("tenants")


def test_servers_that_start_together_make_the_tables_once(empty: Database) -> None:
    opened = [another(empty) for _ in range(4)]
    done: list[Any] = []

    def start(database: Database) -> None:
        try:
            done.append(upgrade.upgrade(database))
        except BaseException as error:
            done.append(error)

    threads = [threading.Thread(target=start, args=(database,)) for database in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in opened:
        database.close()
    assert sorted(done, key=str) == [False, False, False, True]
    assert not upgrade.pending(empty)


def test_a_failed_upgrade_leaves_nothing_behind(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    made = 0
    create = op.create_table

    def create_some(*arguments: Any, **options: Any) -> Any:
        nonlocal made
        made += 1
        if made == 10:
            raise OSError("the disk is full")
        return create(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_table", create_some)
        with pytest.raises(OSError, match="the disk is full"):
            upgrade.upgrade(empty)
    assert made == 10
    assert upgrade.is_empty(empty)
    assert upgrade.upgrade(empty)


def test_a_database_of_a_later_release_is_left_alone(empty: Database) -> None:
    upgrade.upgrade(empty)
    empty.change(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    for ask in (upgrade.pending, upgrade.upgrade):
        with pytest.raises(Misconfigured, match="9999"):
            ask(empty)


def test_tables_of_somebody_else_are_left_alone(empty: Database) -> None:
    empty.change(lambda tx: tx.execute(text("CREATE TABLE volumes (id text)")))
    with pytest.raises(Misconfigured, match="volumes"):
        upgrade.upgrade(empty)


def test_unfinished_operations_that_this_release_cannot_run_refuse_the_upgrade(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_before_the_last_release(empty)
    monkeypatch.setattr(upgrade, "revisions", lambda: ("0000", "0001"))
    add_operation(empty, "volume.create", 1, "running")
    add_operation(empty, "volume.morph", 1, "done")
    stuck = {add_operation(empty, "volume.create", 7, "waiting"), add_operation(empty, "vm.copy", 1, "needs_attention")}
    with pytest.raises(Conflict, match=r"1 of vm\.copy version 1.*1 of volume\.create version 7") as refused:
        upgrade.upgrade(empty, lambda: {"volume.create": {1, 2}})
    assert set(refused.value.details["operations"]) == stuck
    assert upgrade.current(empty) == "0000"


def test_a_start_on_tables_that_are_up_to_date_does_not_import_alembic(empty: Database) -> None:
    upgrade.upgrade(empty)
    url = empty.engine.url.render_as_string(hide_password=False)
    script = (
        "import sys\n"
        "from isthmus.core.store import upgrade\n"
        "from isthmus.core.store.database import Database\n"
        f"assert upgrade.upgrade(Database({url!r})) is False\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parent)
