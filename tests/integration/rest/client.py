"""A client that holds every answer against the document that the server gives of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import requests
from jsonschema import Draft202012Validator, FormatChecker

from tests.environment.server import RunningServer

JSON, PROBLEM = "application/json", "application/problem+json"
# What any request may meet, whatever its route says.
_ANYWHERE = frozenset({404, 405, 408, 413, 431, 500, 503})


class Description:
    """The server's OpenAPI document, for looking up what an answer must be."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._validators: dict[str, Draft202012Validator] = {}
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), methods) for path, methods in document["paths"].items()
        ]

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """What is described for a request, the most literal path first; None for what is not there."""
        found = [methods for pattern, methods in self._paths if pattern.fullmatch(path)]
        for methods in sorted(found, key=lambda methods: len(_variables(methods))):
            if method.lower() in methods:
                described: Mapping[str, Any] = methods[method.lower()]
                return described
        return None

    def check(self, answer: requests.Response, method: str, path: str) -> None:
        """Fail unless the answer is one of those that are described."""
        assert answer.headers["X-Openstack-Request-Id"]
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if answer.status_code >= 400 and path != "/readyz":
            assert kind == PROBLEM, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            self.validate({"$ref": "#/components/schemas/problem"}, answer.json())
            assert answer.json()["request_id"] == answer.headers["X-Openstack-Request-Id"]
            assert answer.json()["status"] == answer.status_code
        operation = self.operation(method, path)
        if operation is None:
            return
        described = operation["responses"].get(str(answer.status_code))
        if described is None:
            assert answer.status_code in _ANYWHERE, f"{method} {path}: {answer.status_code} is not described"
            return
        media = described.get("content", {})
        lacking = [name for name in described.get("headers", {}) if name not in answer.headers]
        assert not lacking, f"{method} {path}: {answer.status_code} without {lacking}"
        if JSON in media:
            assert kind == JSON
            self.validate(media[JSON]["schema"], answer.json())
        elif not media:
            assert answer.content == b""

    def validate(self, schema: Mapping[str, Any], value: Any) -> None:
        """Fail unless `value` satisfies a schema of the document."""
        found = self._validators.get(str(schema))
        if found is None:
            whole = {**schema, "components": self.document["components"]}
            found = Draft202012Validator(whole, format_checker=FormatChecker(["date-time"]))
            self._validators[str(schema)] = found
        found.validate(value)


class Client:
    """Asks a server on behalf of one credential; `tenant` is the one an administrator acts for."""

    def __init__(
        self, server: RunningServer, description: Description, token: str | None = None, *, tenant: str | None = None
    ) -> None:
        self.server = server
        self.description = description
        self.session = server.session(token, tenant=tenant)

    def ask(self, method: str, path: str, **given: Any) -> requests.Response:
        """Any answer, once it was found to be one that is described."""
        given.setdefault("timeout", 30)
        answer = self.session.request(method, self.server.address + path, allow_redirects=False, **given)
        if not given.get("stream"):
            self.description.check(answer, method, path.partition("?")[0])
        return answer

    def get(self, path: str, **given: Any) -> Any:
        """The JSON of a 200."""
        return self._good(self.ask("GET", path, **given), 200)

    def post(self, path: str, body: Any = None, *, status: int = 201, **given: Any) -> Any:
        """The JSON of what was made."""
        return self._good(self.ask("POST", path, json=body, **given), status)

    def patch(self, path: str, body: Any, **given: Any) -> Any:
        return self._good(self.ask("PATCH", path, json=body, **given), 200)

    def delete(self, path: str, *, status: int = 204, **given: Any) -> Any:
        return self._good(self.ask("DELETE", path, **given), status)

    def ended(self, operation: str) -> Any:
        """The operation when it is over."""
        for _ in range(4):
            found = self.get(f"/v1/operations/{operation}?wait=10")
            if found["state"] not in ("pending", "running", "waiting"):
                return found
        raise AssertionError(f"the operation is still {found['state']}: {found}")

    def done(self, method: str, path: str, body: Any = None, **given: Any) -> Any:
        """Ask for a change and wait for its good end; the operation."""
        accepted = self._good(self.ask(method, path, json=body, **given), 202)
        found = self.ended(accepted["id"])
        assert found["state"] == "done", found
        return found

    def volume(self, name: str = "v", size: int = 1 << 20, **more: Any) -> str:
        """Make a volume; its id."""
        made = self.done("POST", "/v1/volumes", {"name": name, "size": size, "profile": "memory", **more})
        return str(made["resource"])

    def everything(self) -> Mapping[str, Any]:
        """All that is there, to be compared with what is there later. Measured and live values are left out."""
        found = {}
        for name in LISTS:
            pages, cursor = [], None
            while True:
                page = self.get(f"/v1/{name}?limit=1000&all_tenants=true" + (f"&cursor={cursor}" if cursor else ""))
                pages += page["items"]
                cursor = page["next"]
                if cursor is None:
                    break
            found[name] = {item["id"]: {k: v for k, v in item.items() if k not in _MEASURED} for item in pages}
        tenants = found["tenants"]
        found["limits"] = {tenant: self.get(f"/v1/tenants/{tenant}/limits") for tenant in tenants}
        found["extensions"] = {f"{e['namespace']}/{e['name']}": e for e in self.get("/v1/extensions")["items"]}
        return found

    def everything_of(self) -> Mapping[str, Any]:
        """All that the caller's tenant owns."""
        return {name: self.get(f"/v1/{name}?limit=1000")["items"] for name in OWNED}

    def close(self) -> None:
        self.session.close()

    @cached_property
    def user(self) -> str:
        return str(self.get("/v1/whoami")["user"])

    @staticmethod
    def _good(answer: requests.Response, status: int) -> Any:
        assert answer.status_code == status, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


LISTS = (
    "volumes",
    "snapshots",
    "attachments",
    "hosts",
    "pools",
    "profiles",
    "operations",
    "messages",
    "tenants",
    "users",
    "tokens",
    "backends",
)
OWNED = ("volumes", "snapshots", "attachments", "hosts", "operations", "messages")
_MEASURED = frozenset({"used", "ours", "updated_at", "health", "health_reason"})


def _variables(methods: Mapping[str, Any]) -> list[str]:
    operation = next(iter(methods.values()))
    return [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
