"""Two engines of two processes share a PostgreSQL: between them, too, nothing is granted twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.context import Context
from isthmus.core.engine.engine import Engine
from isthmus.core.store import nouns
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from tests.environment.engine import Installation
from tests.integration.races.crowd import furnish

pytestmark = pytest.mark.timeout(300)

MIB = 1 << 20
CLIENTS = 100
LIMIT = 41


@pytest.mark.slow
@pytest.mark.parametrize("scarce", ["capacity", "limit"])
def test_what_is_scarce_is_granted_once_over_all_processes(
    scarce: str, postgresql_url: str, tmp_path: Path, checkout: Path
) -> None:
    database = Database(postgresql_url)
    metadata.create_all(database.engine)
    installation = Installation.begin(database, tmp_path)
    engine = installation.engine()
    engine.start()
    try:
        context = installation.administrator(engine)
        total = 10 * MIB if scarce == "capacity" else 1 << 40
        furnish(engine, context, pools=2, total=total, path=str(tmp_path / "array.sqlite"))
        if scarce == "limit":
            engine.tenants.set_limit(context, str(context.tenant), None, max_volumes=LIMIT, max_bytes=None)
        with database.read() as tx:
            room = sum(pool.room(True) // MIB for pool in nouns.pools.where(tx))
        told = _race(postgresql_url, tmp_path, checkout, context)
        expected = room if scarce == "capacity" else LIMIT
        assert sum(each["accepted"] for each in told) == expected
        codes = {code for each in told for code in each["refused"]}
        assert codes == {"no_placement" if scarce == "capacity" else "limit_exceeded"}
        assert engine.tenants.limits(context, str(context.tenant))[0].volumes == expected
        _in_order(engine, context)
    finally:
        engine.stop(drain=1.0)
        database.close()


def _race(url: str, folder: Path, checkout: Path, context: Context) -> list[dict[str, Any]]:
    rivals = []
    try:
        for number in range(2):
            rival = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.races.rival"],
                cwd=checkout,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            rivals.append(rival)
            state = folder / f"rival{number}"
            state.mkdir()
            given = {"url": url, "folder": str(state), "node": f"rival{number}", "size": MIB, "clients": CLIENTS}
            _tell(rival, json.dumps({**given, "context": context.to_json()}))
        for rival in rivals:
            assert rival.stdout is not None and rival.stdout.readline() == "ready\n"
        for rival in rivals:
            _tell(rival, "go")
        return [json.loads(rival.communicate(timeout=100)[0]) for rival in rivals]
    finally:
        for rival in rivals:
            rival.kill()
            rival.wait()


def _tell(rival: subprocess.Popen[str], line: str) -> None:
    assert rival.stdin is not None
    rival.stdin.write(line + "\n")
    rival.stdin.flush()


def _in_order(engine: Engine, context: Context) -> None:
    wrong = [finding for finding in engine.doctor.examine(context) if finding.level != "ok"]
    assert not wrong, wrong
