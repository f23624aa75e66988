"""A plugin of a third party, as small as one that shows all that a server owes to plugins."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from isthmus.adapters.contract import Adapter
from isthmus.core.context import Context
from isthmus.core.journal.step import Flow, Run, Step
from isthmus.plugin_manager.base import Base
from isthmus.plugin_manager.contract import Action, Application, Call, Record

OK = "200 OK"


class Probe(Base):
    """Answers under `/probe`; its operation waits for a file."""

    name: ClassVar[str] = "probe"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"greeting": {"type": "string", "default": "hello"}},
    }

    def prefixes(self) -> Sequence[str]:
        return ("/probe",)

    def wsgi(self) -> Application:
        return self.answer

    def flows(self) -> Sequence[Flow]:
        return (Flow("probe.wait", (Step("wait", self.wait),)),)

    def actions(self) -> Sequence[Action]:
        return (Action(id="greet", title="Greet", permission="pool:read", run=self.greet),)

    def greet(self, call: Call) -> dict[str, str]:
        return {"said": str(self.setup.settings["greeting"])}

    def wait(self, run: Run) -> None:
        """Note the process, then wait until the file that the operation names is there."""
        marks = Path(run.data["marks"])
        with (marks / "runs").open("a") as stream:
            stream.write(f"{os.getpid()}\n")
        while not (marks / "go").exists():
            time.sleep(0.02)

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """One method a path: `/probe/echo` is `get_echo`."""
        handler = getattr(self, "get_" + environ["PATH_INFO"].removeprefix("/probe/"), None)
        if handler is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"no such path of the probe"]
        given = handler(environ)
        if isinstance(given, Iterator):
            start_response(OK, [("Content-Type", "text/event-stream")])
            return given
        start_response(OK, [("Content-Type", "application/json")])
        return [json.dumps(given).encode()]

    def get_echo(self, environ: dict[str, Any]) -> dict[str, Any]:
        body = environ["wsgi.input"].read()
        return {"bytes": len(body), "request_id": environ["isthmus.request_id"], "pid": os.getpid()}

    def get_fail(self, environ: dict[str, Any]) -> None:
        raise RuntimeError("password=hunter2 and much else that is nobody's business")

    def get_slow(self, environ: dict[str, Any]) -> dict[str, Any]:
        time.sleep(2.5)
        return {"slept": 2.5}

    def get_ready(self, environ: dict[str, Any]) -> list[str]:
        return [f"{finding.level} {finding.check}" for finding in self.setup.server.ready()]

    def get_mounts(self, environ: dict[str, Any]) -> dict[str, str]:
        return dict(self.setup.server.mounts())

    def get_extensions(self, environ: dict[str, Any]) -> dict[str, str]:
        return {f"{e.namespace}/{e.name}": e.state for e in self.setup.server.extensions()}

    def get_own(self, environ: dict[str, Any]) -> dict[str, str]:
        """Of those that come with Isthmus itself."""
        found = [each for each in self.setup.server.extensions() if each.distribution == "isthmus"]
        return {f"{each.namespace}/{each.name}": each.state for each in found}

    def get_greeting(self, environ: dict[str, Any]) -> Any:
        return self.setup.actions.invoke("probe", "greet", Call(self.administrator()))

    def get_count(self, environ: dict[str, Any]) -> int:
        """Counts its calls in a record."""
        record = self.setup.records.get("counter", "calls")
        if record is None:
            self.setup.records.put(Record("counter", "calls", {"value": 1}))
            return 1
        value = int(record.body["value"]) + 1
        self.setup.records.replace(Record("counter", "calls", {"value": value}, version=record.version))
        return value

    def get_submit(self, environ: dict[str, Any]) -> str:
        marks = environ["HTTP_X_MARKS"]
        operation = self.setup.submit(
            "probe.wait", self.administrator(), resource_type="probe", data={"marks": marks}, key=marks
        )
        return operation.id

    def get_operation(self, environ: dict[str, Any]) -> str:
        storage = self.local.storage(self.administrator())
        return str(storage.operations.get(environ["QUERY_STRING"]).state)

    def get_stream(self, environ: dict[str, Any]) -> Iterator[bytes]:
        """Ends when the server stops."""
        yield b": open\n\n"
        while not self.setup.stopping.wait(0.2):
            yield b": heartbeat\n\n"

    def get_deaf(self, environ: dict[str, Any]) -> Iterator[bytes]:
        """Takes no notice of the server's stop."""
        yield b": open\n\n"
        while True:
            time.sleep(60)
            yield b": heartbeat\n\n"

    @property
    def local(self) -> Adapter:
        return self.setup.systems["local"]

    def administrator(self) -> Context:
        return Context(tenant=None, user="admin", roles=frozenset({"admin"}))


class Outdated(Base):
    """Written for a contract that is no more."""

    name: ClassVar[str] = "outdated"
    contract_version: ClassVar[int] = 0


class Greedy(Base):
    """Wants a prefix that is the probe's."""

    name: ClassVar[str] = "zgreedy"
    contract_version: ClassVar[int] = 1

    def prefixes(self) -> Sequence[str]:
        return ("/probe",)

    def wsgi(self) -> Application:
        return lambda environ, start_response: [b"mine"]


class Crashing(Base):
    """Fails when it is made."""

    name: ClassVar[str] = "crashing"
    contract_version: ClassVar[int] = 1

    def __init__(self, setup: Any) -> None:
        raise RuntimeError("no luck")
