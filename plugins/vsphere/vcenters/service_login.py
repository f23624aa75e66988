"""How the plug-in's own account logs in at a vCenter.

A vCenter locks an account that shows a wrong password a few times within minutes, and keeps it locked while somebody
goes on trying. So a login that was refused is refused from memory after that, in every process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from ....core.errors import Misconfigured
from ..connection.errors import LoginRefused, no_account
from ..reasons import because
from .store import VCenters
from .vcenter import VCenter

TRIED_AGAIN = timedelta(minutes=15)
"""How long a refusal is remembered of a vCenter of which nothing else is written meanwhile."""

Answer = TypeVar("Answer")
_log = logging.getLogger(__name__)


class ServiceLogin:
    """That of one vCenter as it was read from `vcenters`. Whoever logs in as the service account, by whichever way,
    does it here. Safe for several threads, of which one tries at a time."""

    def __init__(self, vcenter: VCenter, vcenters: VCenters) -> None:
        self._vcenter, self._vcenters = vcenter, vcenters
        self._turn = threading.Lock()

    @property
    def user(self) -> str:
        """Empty without an account."""
        return self._vcenter.service_user

    def demand(self) -> None:
        """Raises `Misconfigured` without an account, and while it is remembered that this one was refused."""
        if not self.user:
            raise no_account(self._vcenter.name)
        if self._vcenters.refused(self._vcenter):
            raise self._refused()

    def attempt(self, log_in: Callable[[str, str], Answer]) -> Answer:
        """What `log_in` returns, given user and password; called at all only when `demand` has nothing against it.

        Raises what it raises, with `Misconfigured` for `LoginRefused`.
        """
        with self._turn:
            self.demand()
            try:
                return log_in(self.user, self._vcenters.password(self._vcenter.guid))
            except LoginRefused:
                self._vcenters.refuse(self._vcenter, TRIED_AGAIN)
                error = self._refused()
                _log.warning("%s It is tried again in %d minutes.", error.message, TRIED_AGAIN.total_seconds() // 60)
                raise error from None

    def _refused(self) -> Misconfigured:
        return because(Misconfigured, "service-refused", vcenter=self._vcenter.name, user=self.user)
