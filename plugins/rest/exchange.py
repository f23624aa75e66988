"""One request and its reply, as routes see them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from ...adapters.contract import Adapter, Administration, Storage
from ...core.context import Context
from ...core.errors import Invalid, Unauthenticated
from ...core.model.page import DEFAULT_PAGE, LARGEST_PAGE, Query
from ...core.model.request import Credential
from ...plugin_manager.json_body import NotJson, read_object
from ...plugin_manager.places import Places

TENANT_HEADER = "X-Isthmus-Tenant"
_LIST_WORDS = frozenset({"sort", "limit", "cursor", "all_tenants", "total"})
_LONGEST_KEY = 200
_MOST_DIGITS = 19
LARGEST_NUMBER = 2**62
_JSON = ("application/json", "application/merge-patch+json")
_ETAG = re.compile(r'(?:W/)?"([0-9]{1,18})"|([0-9]{1,18})')
_NO_ARGUMENTS: MultiDict[str, str] = ImmutableMultiDict()
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers: a noun, a page or plain JSON as `body`; None for no content."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Exchange:
    """A request, read lazily: who asks, and what."""

    def __init__(self, adapter: Adapter, request: Request, path: Mapping[str, str], places: Places) -> None:
        self.adapter = adapter
        self.places = places
        self.request = request
        self.path = path
        self.args: MultiDict[str, str] = request.args if request.environ.get("QUERY_STRING") else _NO_ARGUMENTS
        self.request_id = str(request.environ.get("isthmus.request_id", ""))
        self._context: Context | None = None
        self._authenticate: Callable[[], Context] | None = None

    @property
    def context(self) -> Context:
        """Who asks; raises `Unauthenticated`."""
        if self._context is None:
            self._authenticate = partial(
                self.adapter.authenticate,
                credential_of(self.request.headers.get("Authorization")),
                tenant=self.request.headers.get(TENANT_HEADER),
                request_id=self.request_id or None,
            )
            self._context = self._authenticate()
        return self._context

    def still_admitted(self) -> bool:
        """Whether what was shown for `context` still stands for the same person with the same rights. May be asked
        when the request itself is over and its body is being sent."""
        try:
            return self._authenticate is not None and self._authenticate() == self._context
        except Unauthenticated:
            return False

    @property
    def storage(self) -> Storage:
        return self.adapter.storage(self.context)

    @property
    def administration(self) -> Administration:
        return self.adapter.administration(self.context)

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent, an empty one for an empty body; raises `Invalid` for anything else."""
        data = self.request.get_data(cache=True)
        if data and self.request.mimetype not in _JSON:
            raise NotJson("The body is not declared as JSON.", next_step="Send Content-Type: application/json.")
        return read_object(data)

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
        found = _ETAG.fullmatch(given.strip())
        if found is None:
            raise Invalid("If-Match takes one ETag as this API gave it.", next_step='Send If-Match: "3", for example.')
        return int(found[1] or found[2])

    def flag(self, name: str) -> bool:
        """A boolean query parameter."""
        value = self.args.get(name, "false").lower()
        if value not in ("true", "false", "1", "0", ""):
            raise Invalid(f"{name} is true or false.", field=name)
        return value in ("true", "1", "")

    def number(self, name: str, default: float, *, most: float) -> float:
        """A number among the query parameters, from 0 to `most`."""
        text = self.args.get(name)
        if text is None:
            return default
        value = float(text) if _NUMBER.fullmatch(text) else -1.0
        if not 0 <= value <= most:
            raise Invalid(f"{name} is a number from 0 to {most:g}.", field=name)
        return value

    def whole(self, name: str, default: int, *, least: int = 0, most: int = LARGEST_NUMBER) -> int:
        """A whole number among the query parameters, from `least` to `most`."""
        text = self.args.get(name)
        if text is None:
            return default
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else -1
        if not least <= value <= most:
            raise Invalid(f"{name} is a whole number from {least} to {most}.", field=name)
        return value

    def query(self) -> Query:
        """Filters, sort and page of a list; unknown filters are refused by the engine."""
        args = self.args
        self._once()
        return Query(
            filters={name: value for name, value in args.items() if name not in _LIST_WORDS},
            sort=args.get("sort", "created_at"),
            limit=self.whole("limit", DEFAULT_PAGE, least=1, most=LARGEST_PAGE),
            cursor=args.get("cursor"),
            all_tenants=self.flag("all_tenants"),
            with_total=self.flag("total"),
        )

    def only(self, names: Collection[str]) -> None:
        """Raise `Invalid` for a query parameter that this route does not know, or that is given twice."""
        args = self.args
        if not args:
            return
        unknown = sorted(name for name in args if name not in names)
        if unknown:
            raise Invalid(
                f"Unknown query parameter: {', '.join(name[:60] for name in unknown[:5])}.",
                next_step=f"Use {', '.join(sorted(names))}." if names else "This request takes none.",
            )
        self._once()

    def _once(self) -> None:
        for name, values in self.args.lists():
            if len(values) > 1:
                raise Invalid(f"{name[:60]} is given {len(values)} times.", field=name[:60])


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
        if colon and "\0" not in user:
            return Credential(user=user, password=password)
    raise Unauthenticated(
        "No usable credentials were sent.",
        next_step="Send Authorization: Bearer TOKEN, or Basic with a user's name and password.",
    )
