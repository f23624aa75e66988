"""What a plugin promises, and what it is given.

An entry point of the namespace `isthmus.plugins` names a class. The server makes one object of it in each worker
process, in this order:

1. the class is called with a `PluginSetup`; it does no I/O and starts no thread;
2. `flows`, `duties` and `actions` are asked for, before the engine starts, so that interrupted operations go on;
3. the engine starts and `PluginSetup.systems` is filled; flows, duties and actions may run from now on;
4. `prefixes` and `wsgi` are asked for, and requests come, in many threads at once;
5. `close`, while the last requests are answered.

A plugin that fails in 1, 2 or 4 is reported as broken; the server goes on without it.

Requests come with the whole path in `PATH_INFO` and an empty `SCRIPT_NAME`, so a plugin routes the paths it names.
A plugin may set `environ["isthmus.route"]` to the pattern of the path (`/v1/volumes/{volume}`), by which requests are
counted. `environ["isthmus.request_id"]` is the request's id (a `Context` is made with it); the id goes back in the
headers `X-Openstack-Request-Id` and `X-Request-Id` by itself, as do the security headers. A body is at most
`Server.body_limit` bytes; a larger one is answered 413 (declared) or fails while it is read (chunked), which the server
answers. What a plugin lets escape becomes a 500 in RFC 9457's form, without a trace. A `text/event-stream` counts
against `Server.streams`: beyond it the server answers 503 with Retry-After.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from ..adapters.contract.adapter import Adapter
from ..core.context import Context
from ..core.duties.duty import Duty
from ..core.journal.step import Flow
from ..core.model.description import Extension, Finding
from ..core.model.operation import Operation
from ..core.model.record import Record, Records
from .action import Action, Actions, Call, Result, Subject
from .places import Places

CONTRACT_VERSION = 1
"""Raised when a plugin written for an older one could misbehave; such a plugin is reported and not loaded."""

LOCAL_SYSTEM = "local"
"""The system that is this installation itself; always there."""

__all__ = [
    "CONTRACT_VERSION",
    "LOCAL_SYSTEM",
    "Action",
    "Actions",
    "Application",
    "Call",
    "Plugin",
    "PluginSetup",
    "Record",
    "Records",
    "Result",
    "Server",
    "StopSignal",
    "Subject",
    "Submit",
]

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application (PEP 3333)."""


class StopSignal(Protocol):
    """Set when the server begins to stop."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until the server stops or `timeout` seconds passed; returns `is_set()`."""


class Submit(Protocol):
    """Accepts operations of the plugin's own flows."""

    def __call__(
        self,
        kind: str,
        context: Context,
        *,
        resource_type: str,
        resource: str | None = None,
        data: Mapping[str, Any] | None = None,
        key: str | None = None,
        dry_run: bool = False,
    ) -> Operation:
        """Accept an operation of the flow `kind`, one that this plugin declares.

        `data` is what `Run.data` begins with: plain JSON, never an unsealed secret. One live operation at a time is
        not enforced on plugins' resources. The caller's rights are the plugin's to check; the adapter checks them
        again in every step. Raises `KeyReused`, `Overloaded`, `Unavailable`, `Invalid` for another plugin's flow.
        """


class Server(Protocol):
    """The server that a plugin lives in."""

    @property
    def version(self) -> str:
        """Isthmus' version."""

    @property
    def node(self) -> str:
        """The name of the node that this server runs on."""

    @property
    def address(self) -> str:
        """How clients reach it: `https://host:port`, without a slash at the end."""

    @property
    def host(self) -> str:
        """The address or name that it listens on; `0.0.0.0` or `::` for all of the machine's."""

    @property
    def streams(self) -> int:
        """How many event streams may be open at a time, over all plugins."""

    @property
    def places(self) -> Places:
        """For requests that wait for something else than their own work, over all plugins: each holds a thread."""

    @property
    def body_limit(self) -> int:
        """The largest request body in bytes."""

    def vouches(self, certificate: str) -> bool:
        """Whether a certificate (PEM) is one that this installation's servers themselves serve: this node's, or one
        that the installation's CA issued to a server. Not that of a proxy before them. Raises `Misconfigured` for a
        text that is none.
        """

    def mounts(self) -> Mapping[str, str]:
        """Prefixes with the names of their plugins; complete once requests come."""

    def extensions(self) -> Sequence[Extension]:
        """All extensions of all namespaces as found at start, broken ones included."""

    def ready(self) -> Sequence[Finding]:
        """What the engine and all plugins say of themselves; a finding of level `error` means not ready.

        Raises nothing: what cannot be asked is an error among the findings.
        """

    def metrics(self, context: Context | None = None) -> tuple[bytes, str]:
        """What is counted in this process, as Prometheus reads it, and the content type.

        Raises nothing but `Forbidden`, when `context` is given and that caller may not read metrics.
        """


@dataclass(frozen=True, slots=True)
class PluginSetup:
    """What a plugin is made with.

    `settings` satisfy the plugin's `settings_schema`. `systems` are the enabled storage systems by name, `LOCAL_SYSTEM`
    among them (empty until step 3). They change while the server runs: look one up when it is needed, by the name that
    was asked for, and keep no adapter. A system is used with its own credential; the context's rights here are checked
    before it is asked. `records` holds the plugin's durable state. `actions` are those of all plugins.
    """

    name: str
    settings: Mapping[str, Any] = field(repr=False)
    systems: Mapping[str, Adapter]
    records: Records
    submit: Submit
    server: Server
    actions: Actions
    stopping: StopSignal


class Plugin(Protocol):
    """A platform's side of Isthmus.

    `name` is the name of its entry point. `contract_version` is the `CONTRACT_VERSION` it was written for.
    `settings_schema` is a JSON Schema (2020-12) of an object whose defaults suffice to start; a secret property says
    `writeOnly: true`. These three are read from the class. `Base` in `base` answers all else with nothing.
    """

    name: ClassVar[str]
    contract_version: ClassVar[int]
    settings_schema: ClassVar[Mapping[str, Any]]

    def __init__(self, setup: PluginSetup) -> None: ...

    def prefixes(self) -> Sequence[str]:
        """The paths it answers, each with all that lies below it: `/v1`, `/redfish`.

        `/` means that very path and nothing below. The longest prefix wins; one that another plugin has already
        makes this one broken.
        """

    def wsgi(self) -> Application | None:
        """What answers requests under the prefixes, None without any. Called once; the place for slow imports."""

    def actions(self) -> Sequence[Action]:
        """What it can do."""

    def flows(self) -> Sequence[Flow]:
        """The flows of its operations, those of the previous release included; kinds read `vsphere.datastore-create`:
        the plugin's name, a dot, the rest."""

    def duties(self) -> Sequence[Duty]:
        """Its periodic or long-running work; names begin with the plugin's name and a dot."""

    def ready(self) -> Sequence[Finding]:
        """What is wrong with it now, for `/readyz` and `isthmus doctor`; quick (1 s), called often."""

    def close(self) -> None:
        """The server stops: end streams and let go of connections. Idempotent, quick (1 s)."""
