"""Writes a migration from the difference between the migrations there are and core/store/schema.py.

python -m tests.integration.store.migration "Sentence that says what changes"
python -m tests.integration.store.migration --first     writes 0001 anew; only before the first release
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from mako.template import Template  # type: ignore[import-untyped]
from sqlalchemy.types import TypeDecorator

from isthmus.core.store import upgrade
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata

FIRST = "0001_first_release.py"


def plain(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """A migration names the type that the database has, not ours, which may change its ways later."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def write(sentence: str, revision: str, before: str | None, name: str) -> Path:
    """Write the migration from what `upgrade` makes now to the schema; returns its path."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/isthmus.db")
        if before is not None:
            upgrade.upgrade(database)
        with database.read() as tx:
            context = MigrationContext.configure(tx, opts={"compare_type": True, "target_metadata": metadata})
            script = produce_migrations(context, metadata)
            assert script.upgrade_ops is not None
            body = render_python_code(script.upgrade_ops, render_as_batch=before is not None, render_item=plain)
        database.close()
    body = "\n".join(line for line in body.splitlines() if not line.lstrip().startswith("# ###")).strip()
    template = Template((upgrade.MIGRATIONS / "script.py.mako").read_text())
    path: Path = upgrade.MIGRATIONS / "versions" / name
    path.write_text(template.render(message=sentence, up_revision=revision, down_revision=before, upgrades=body))
    for task in (["format", "-q"], ["check", "--fix", "-q"], ["format", "-q"]):
        subprocess.run(["ruff", *task, str(path)], check=True)
    return path


def main() -> None:
    if sys.argv[1:] == ["--first"]:
        (upgrade.MIGRATIONS / "versions" / FIRST).unlink(missing_ok=True)
        print(write("The tables of the first release.", "0001", None, FIRST))
    elif len(sys.argv) == 2:
        sentence = sys.argv[1]
        revision = f"{int(upgrade.head()) + 1:04}"
        name = "_".join("".join(c if c.isalnum() else " " for c in sentence.lower()).split()[:6])
        print(write(sentence, revision, upgrade.head(), f"{revision}_{name}.py"))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
