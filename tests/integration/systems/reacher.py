"""A plugin of a third party that uses whatever system it is asked to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs

from isthmus.core.errors import IsthmusError
from isthmus.core.model.request import Credential, VolumeRequest
from isthmus.plugin_manager.base import Base
from isthmus.plugin_manager.contract import LOCAL_SYSTEM, Application

SIZE = 1 << 20


class Reacher(Base):
    """`/reach` tells the names of systems; `/reach/make?system=NAME&name=VOLUME` makes a volume there and waits.
    Who asks is known by a token of this installation."""

    name: ClassVar[str] = "reacher"
    contract_version: ClassVar[int] = 1

    def prefixes(self) -> Sequence[str]:
        return ("/reach",)

    def wsgi(self) -> Application:
        return self.answer

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        try:
            made = self.make(environ) if environ["PATH_INFO"] == "/reach/make" else sorted(self.setup.systems)
        except IsthmusError as error:
            made = {"error": error.to_json()}
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(made).encode()]

    def make(self, environ: dict[str, Any]) -> Any:
        asked = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        credential = Credential(token=environ["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
        context = self.setup.systems[LOCAL_SYSTEM].authenticate(credential, request_id=environ["isthmus.request_id"])
        system = self.setup.systems.get(asked["system"])
        if system is None:
            return {"error": {"code": "no_system"}}
        storage = system.storage(context)
        operation = storage.volumes.create(VolumeRequest(asked["name"], size=SIZE, profile="memory"))
        ended = storage.operations.wait(operation.id, 20.0)
        return {"state": ended.state.value, "volume": ended.result.get("volume"), "request_id": ended.request_id}
