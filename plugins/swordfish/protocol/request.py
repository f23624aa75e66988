"""One request, as resources see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from ....adapters.contract import Adapter, Administration, Storage
from ....core.context import Context
from ....core.errors import Invalid, NotFound
from ....plugin_manager.json_body import read_object
from ..maintenance.tenant_windows import AT_WINDOW
from ..uris import link
from .caller import Caller
from .refusal import refuse

if TYPE_CHECKING:
    from ..service import Service

_LONGEST_KEY = 200
APPLY_TIME = "@Redfish.OperationApplyTime"
"""The annotation of a body that says when what it asks for is to be done."""
_JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})


class Request:
    """Who asks, for what, with what; read lazily.

    `params` are the names in the path of the resource, `query` is what was asked of that resource and of no other.
    `service` is what the plugin keeps for all requests. `answering` are headers that the answer gets besides its own,
    if the request succeeds.
    """

    __slots__ = (
        "_body", "_caller", "_storages", "answering", "environ", "method", "params", "path", "query", "service",
    )  # fmt: skip

    def __init__(
        self,
        environ: dict[str, Any],
        service: Service,
        authenticate: Callable[[Request], Context],
    ) -> None:
        self.environ = environ
        self.service = service
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        self.query: str = environ.get("QUERY_STRING", "")
        self.params: Mapping[str, str] = {}
        self._caller = Caller(lambda: authenticate(self))
        self._storages: dict[str | None, Storage] = {}
        self._body: dict[str, Any] | None = None
        self.answering: dict[str, str] = {}

    def at(self, path: str, params: Mapping[str, str]) -> Request:
        """The same caller's look at another resource, as it is without query options."""
        other = copy(self)
        other.path, other.params, other.query = path, params, ""
        other._body, other.answering = None, {}
        return other

    @property
    def request_id(self) -> str:
        return str(self.environ.get("isthmus.request_id", ""))

    def header(self, name: str) -> str | None:
        """A request header, None without it."""
        value = self.environ.get("HTTP_" + name.upper().replace("-", "_"))
        return None if value is None else str(value)

    @property
    def key(self) -> str | None:
        """The `Idempotency-Key` header: a change that is asked for again with the same key is made once.

        Not of the standard; clients that know of it may repeat a POST whose answer they missed.
        """
        key = self.header("Idempotency-Key")
        if key is not None and not (0 < len(key) <= _LONGEST_KEY and key.isprintable()):
            advice = f"An Idempotency-Key has 1 to {_LONGEST_KEY} printable characters."
            raise refuse(400, "HeaderInvalid", "Idempotency-Key", resolution=advice)
        return key

    @property
    def adapter(self) -> Adapter:
        return self.service.adapter

    @property
    def context(self) -> Context:
        """Who asks; raises `Unauthenticated`, for wrong credentials as often as it is asked for."""
        return self._caller.context

    def signed_in(self, context: Context) -> None:
        """From now on this is who asks: a login just told."""
        self._caller.signed_in(context)

    @property
    def identified(self) -> bool:
        """Whether the caller sent credentials, right or wrong."""
        return self.header("Authorization") is not None or self.header("X-Auth-Token") is not None

    def missing(self) -> NotFound:
        """There is no resource at this path."""
        return NotFound(f"There is nothing at {self.path}.")

    def acting_for(self, tenant: str) -> Context:
        """The caller acting for a tenant; raises `NotFound` for one that the caller cannot know of."""
        context = self.context
        if context.tenant == tenant:
            return context
        if not context.is_admin:
            raise NotFound(f"There is no storage service {tenant}.", next_step="Look into /redfish/v1/StorageServices.")
        found = self._storages.get(tenant)
        return replace(context, tenant=tenant) if found is None else found.context

    @property
    def storage(self) -> Storage:
        """The storage system on behalf of the caller, for the caller's own tenant or the whole installation."""
        return self._bound(None)

    @property
    def tenant_storage(self) -> Storage:
        """The storage system on behalf of the caller, for the tenant in the path (`{tenant}`)."""
        return self._bound(self.params["tenant"])

    def _bound(self, tenant: str | None) -> Storage:
        found = self._storages.get(tenant)
        if found is None:
            found = self.adapter.storage(self.context if tenant is None else self.acting_for(tenant))
            self._storages[tenant] = found
        return found

    @property
    def administration(self) -> Administration:
        """The installation on behalf of the caller."""
        return self.adapter.administration(self.context)

    def served(self, uri: str) -> dict[str, str] | None:
        """A link to what is served at a URI; None where nothing is."""
        return None if self.service.router.find(uri) is None else link(uri)

    def expected(self, noun: Any) -> int | None:
        """The version that a change is bound to: the noun's own where the request has `If-Match`, else None.

        The condition itself was checked against the noun before; handing its version on decides races once.
        """
        condition = self.header("If-Match")
        return None if condition is None or condition.strip() == "*" else int(noun.version)

    @property
    def apply_times(self) -> Mapping[str, Any]:
        """For when the tenant in the path may ask for changes (`@Redfish.OperationApplyTimeSupport`)."""
        return self.service.windows.support(self.params["tenant"])

    @property
    def later(self) -> bool:
        """Whether it is to be done in the maintenance window."""
        return bool(self.body.get(APPLY_TIME) == AT_WINDOW)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; raises a refusal for anything else (DSP0266, Request headers; POST)."""
        if self._body is None:
            stream = self.environ.get("wsgi.input")
            data = b"" if stream is None else stream.read()
            kind = str(self.environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
            if data and kind not in _JSON_TYPES:
                raise refuse(415, "HeaderInvalid", "Content-Type", resolution="Send Content-Type: application/json.")
            try:
                self._body = _with_whole_numbers(read_object(data))
            except Invalid as fault:
                raise refuse(
                    400, "MalformedJSON", resolution=f"{fault.message} {fault.next_step or ''}".strip()
                ) from None
        return self._body


def _with_whole_numbers(value: Any) -> Any:
    """The value with numbers such as 2.0 as what they are: to JSON Schema (2020-12, 4.2.3) they are integers."""
    if isinstance(value, dict):
        return {name: _with_whole_numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def segments(path: str) -> list[str]:
    """The parts of a path between slashes; a slash at the end makes none. No part is undone of its `%`-encoding."""
    return path.strip("/").split("/")


def decoded(text: str) -> str:
    """Text from a query with its `%`-encoding undone; raises a refusal for what is no UTF-8."""
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise refuse(400, "QueryParameterValueFormatError", text[:60], "query") from None
