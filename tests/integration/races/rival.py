"""A second engine on the same database, in a process of its own, whose clients all want a volume at once.

Reads one JSON document from standard input, says `ready`, waits for a line, and prints what its clients got.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from isthmus.core.context import Context
from isthmus.core.errors import IsthmusError, LimitExceeded, NoPlacement
from isthmus.core.model.operation import Operation
from isthmus.core.model.request import VolumeRequest
from isthmus.core.store.database import Database
from tests.environment.engine import Installation, done
from tests.integration.races.crowd import all_at_once, storage


def main() -> None:
    given = json.loads(sys.stdin.readline())
    database = Database(given["url"])
    installation = Installation.begin(database, Path(given["folder"]))
    engine = installation.engine(node=given["node"], backlog=1000, lease=10.0, heartbeat=3.0)
    engine.start()
    context = Context.from_json(given["context"])
    print("ready", flush=True)
    sys.stdin.readline()

    def create(_: int) -> Operation:
        client, _request = storage(engine, context)
        return client.volumes.create(VolumeRequest("raced", size=given["size"], profile="memory"))

    accepted, refused = all_at_once(given["clients"], create)
    for operation in accepted:
        done(engine, operation)
    print(json.dumps({"accepted": len(accepted), "refused": [_code(error) for error in refused]}), flush=True)
    engine.stop(drain=1.0)


def _code(error: IsthmusError) -> str:
    """The code of a refusal that explains itself; an unexplained one is none."""
    explained = (isinstance(error, NoPlacement) and error.details.get("explanation")) or (
        isinstance(error, LimitExceeded) and error.details.get("limit")
    )
    return error.code if explained else f"unexplained {error.code}: {error}"


if __name__ == "__main__":
    main()
