"""Answers requests for storage policies, which come with the session of the vCenter in a SOAP header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..registry import POLICY_NAMESPACE, named_fault, pbm, support, vim
from ..wire.dispatcher import Dispatcher

if TYPE_CHECKING:
    from ..managed import Managed
    from ..vcenter import VCenter
    from ..wire.call import Call

_HEADER = "vcSessionCookie"
_OWN_WORDS = "pbm.version.v8_0_2_0"


class PolicyDispatcher(Dispatcher):
    """There is no login here. A privilege that is missing is told in this service's own words to clients of 8.0.2 and
    newer."""

    def __init__(self, vc: VCenter) -> None:
        super().__init__(vc, POLICY_NAMESPACE, vc.policies.find)

    def _greet(self, call: Call) -> None:
        cookie = call.context.get(_HEADER)
        call.session = self._vc.sessions.find(cookie) if cookie else None

    def _authorise(self, call: Call, managed: Managed, info: Any, arguments: dict[str, Any]) -> None:
        try:
            super()._authorise(call, managed, info, arguments)
        except vim.fault.NotAuthenticated:
            raise
        except vim.fault.NoPermission as fault:
            if not support.IsChildVersion(call.version, _OWN_WORDS):
                raise
            missing = pbm.fault.NoPermission.EntityPrivileges(privilegeIds=[fault.privilegeId])
            raise named_fault(pbm.fault.NoPermission(missingPrivileges=[missing]), fault.msg) from None
