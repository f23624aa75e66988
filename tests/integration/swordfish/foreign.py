"""A plugin of a third party that does to a system whatever it is told, as the context of whoever tells it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from typing import Any, ClassVar

from isthmus.core.errors import IsthmusError
from isthmus.core.model import request as requests_of_model
from isthmus.core.model.attachment import Connection
from isthmus.core.model.codec import from_json, to_json
from isthmus.core.model.page import Page
from isthmus.core.model.request import Credential
from isthmus.plugin_manager.base import Base
from isthmus.plugin_manager.contract import LOCAL_SYSTEM, Application


class Foreign(Base):
    """POST /foreign with `system`, `part`, `method`, `args` and `named`; a request is `{"is": CLASS, …}`."""

    name: ClassVar[str] = "foreign"
    contract_version: ClassVar[int] = 1

    def prefixes(self) -> Sequence[str]:
        return ("/foreign",)

    def wsgi(self) -> Application:
        return self.answer

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        asked = json.loads(environ["wsgi.input"].read())
        try:
            made = {"made": _shown(self._do(asked, environ))}
        except IsthmusError as error:
            made = {"error": error.to_json()}
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(made).encode()]

    def _do(self, asked: dict[str, Any], environ: dict[str, Any]) -> Any:
        credential = Credential(token=environ["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
        here = self.setup.systems[LOCAL_SYSTEM]
        context = here.authenticate(credential, tenant="default", request_id=environ["isthmus.request_id"])
        storage = self.setup.systems[asked["system"]].storage(context)
        part = storage if asked["part"] == "storage" else getattr(storage, asked["part"])
        named = {name: _given(value) for name, value in asked["named"].items()}
        return getattr(part, asked["method"])(*map(_given, asked["args"]), **named)


def _given(value: Any) -> Any:
    if isinstance(value, dict) and "is" in value:
        return from_json(getattr(requests_of_model, value["is"]), value)
    return value


def _shown(made: Any) -> Any:
    if isinstance(made, Page):
        return [to_json(one) for one in made.items]
    if isinstance(made, Connection):
        return {"protocol": made.protocol, "public": dict(made.public), "secrets": dict(made.secrets)}
    return to_json(made) if is_dataclass(made) else made
