"""One request and its reply, as routes see them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Request

from ...adapters.contract import Adapter, Administration, Storage
from ...core.context import Context
from ...core.errors import Invalid, Unauthenticated
from ...core.model.page import DEFAULT_PAGE, LARGEST_PAGE, Query
from ...core.model.request import Credential

TENANT_HEADER = "X-Isthmus-Tenant"
_LIST_WORDS = frozenset({"sort", "limit", "cursor", "all_tenants", "total"})
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers: a noun, a page or plain JSON as `body`; None for no content."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Exchange:
    """A request, read lazily: who asks, and what."""

    def __init__(self, adapter: Adapter, request: Request, path: Mapping[str, str]) -> None:
        self.adapter = adapter
        self.request = request
        self.path = path
        self.request_id = str(request.environ.get("isthmus.request_id", ""))
        self._context: Context | None = None

    @property
    def context(self) -> Context:
        """Who asks; raises `Unauthenticated`."""
        if self._context is None:
            tenant = self.request.headers.get(TENANT_HEADER)
            credential = credential_of(self.request.headers.get("Authorization"))
            self._context = self.adapter.authenticate(credential, tenant=tenant, request_id=self.request_id or None)
        return self._context

    @property
    def storage(self) -> Storage:
        return self.adapter.storage(self.context)

    @property
    def administration(self) -> Administration:
        return self.adapter.administration(self.context)

    def body(self) -> Any:
        """The JSON body; raises `Invalid` for anything else. An absent body is an empty object."""
        data = self.request.get_data(cache=True)
        if not data:
            return {}
        try:
            return json.loads(data, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise Invalid("The body is not JSON.", next_step="Send one JSON object in UTF-8.") from error

    @property
    def dry_run(self) -> bool:
        """`?dry_run=true`: answer with the plan and change nothing."""
        return self.flag("dry_run")

    @property
    def key(self) -> str | None:
        """The `Idempotency-Key` header; raises `Invalid` for an unusable one."""
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not (0 < len(key) <= _LONGEST_KEY and key.isprintable()):
            raise Invalid(f"An Idempotency-Key has 1 to {_LONGEST_KEY} printable characters.")
        return key

    @property
    def if_version(self) -> int | None:
        """The version in `If-Match`, None without one or with `*`; raises `Invalid` for another form."""
        given = self.request.headers.get("If-Match")
        if given is None or given.strip() == "*":
            return None
        text = given.strip().removeprefix("W/").strip('"')
        if not text.isdigit():
            raise Invalid("If-Match takes one ETag as this API gave it.", next_step='Send If-Match: "3", for example.')
        return int(text)

    def flag(self, name: str) -> bool:
        """A boolean query parameter."""
        value = self.request.args.get(name, "false").lower()
        if value not in ("true", "false", "1", "0", ""):
            raise Invalid(f"{name} is true or false.", field=name)
        return value in ("true", "1", "")

    def number(self, name: str, default: float, *, least: float = 0, most: float = float("inf")) -> float:
        """A number among the query parameters, within bounds."""
        text = self.request.args.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise Invalid(f"{name} is a number from {least:g} to {most:g}.", field=name)
        return value

    def query(self) -> Query:
        """Filters, sort and page of a list; unknown filters are refused by the engine."""
        args = self.request.args
        limit = int(self.number("limit", DEFAULT_PAGE, least=1, most=LARGEST_PAGE))
        return Query(
            filters={name: value for name, value in args.items() if name not in _LIST_WORDS},
            sort=args.get("sort", "created_at"),
            limit=limit,
            cursor=args.get("cursor"),
            all_tenants=self.flag("all_tenants"),
            with_total=self.flag("total"),
        )

    def only(self, names: Iterable[str]) -> None:
        """Raise `Invalid` for a query parameter that this route does not know."""
        unknown = set(self.request.args) - set(names)
        if unknown:
            raise Invalid(f"Unknown query parameter: {', '.join(sorted(unknown)[:5])}.")


def credential_of(header: str | None) -> Credential:
    """What an `Authorization` header shows; raises `Unauthenticated`."""
    scheme, _, rest = (header or "").partition(" ")
    if scheme.lower() == "bearer" and rest:
        return Credential(token=rest.strip())
    if scheme.lower() == "basic":
        try:
            user, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user, colon, password = "", "", ""
        if colon:
            return Credential(user=user, password=password)
    raise Unauthenticated(
        "No usable credentials were sent.",
        next_step="Send Authorization: Bearer TOKEN, or Basic with a user's name and password.",
    )


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
