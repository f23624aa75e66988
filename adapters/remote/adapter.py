"""An Isthmus elsewhere as an adapter."""

from __future__ import annotations

from ...core.context import Context, new_request_id
from ...core.errors import Unauthenticated
from ...core.model.request import Credential
from ..contract import Administration, Storage
from .actions import RemoteActions
from .administration import RemoteAdministration
from .bound import Caller
from .client import Client
from .storage import RemoteStorage


class RemoteAdapter:
    """Reaches the Isthmus at `address`, as whoever authenticates.

    The other side knows its callers by their credentials only, so a context works here after its credential was shown
    to `authenticate`, which remembers the last 1024. A context made otherwise (with another request id, say) goes by
    what its user showed last. `credential`, if given, stands for all others: that of a service user which acts for the
    context's tenant. `client` is one that speaks to `address` already.
    """

    def __init__(
        self,
        address: str,
        *,
        ca: str | None = None,
        credential: Credential | None = None,
        timeout: float = 60.0,
        client: Client | None = None,
    ) -> None:
        self._client = client or Client(address, ca=ca, timeout=timeout)
        self._credential = credential
        self._known: dict[Context | tuple[str | None, str], Credential] = {}

    def authenticate(
        self, credential: Credential, *, tenant: str | None = None, request_id: str | None = None
    ) -> Context:
        answer = self._client.call(
            "GET", "/v1/whoami", credential=credential, tenant=tenant, request_id=request_id or new_request_id()
        )
        context = Context.from_json(answer)
        while len(self._known) >= 2 * _REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[context] = self._known[(context.tenant, context.user)] = credential
        return context

    def storage(self, context: Context) -> Storage:
        return RemoteStorage(self._caller(context))

    def administration(self, context: Context) -> Administration:
        return RemoteAdministration(self._caller(context))

    def actions(self, context: Context) -> RemoteActions:
        """What the other side's plugins can do, on behalf of `context`; not part of the adapter contract."""
        return RemoteActions(self._caller(context))

    def close(self) -> None:
        self._client.close()

    def _caller(self, context: Context) -> Caller:
        latest = self._known.get((context.tenant, context.user), self._credential)
        credential = self._known.get(context, latest)
        if credential is None:
            raise Unauthenticated("This context was not authenticated here.", next_step="Authenticate first.")
        return Caller(self._client, credential, context)


_REMEMBERED = 1024
