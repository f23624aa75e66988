"""From a decoded request to the method that answers it: version, session, rights, and what goes wrong on purpose."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..interference import Dropped
from ..managed import Managed
from ..registry import invalid_argument, is_reference, named_fault, property_of, support, vim, vmodl
from ..values import typed
from . import soap
from .call import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..sessions import Session
    from ..vcenter import VCenter

log = logging.getLogger(__name__)
_ANONYMOUS = "System.Anonymous"


class Dispatcher:
    """Answers SOAP requests for one vCenter: those of one namespace, done by objects that `find` finds."""

    def __init__(self, vc: VCenter, namespace: str, find: Callable[[Any, Session | None], Managed]) -> None:
        self._vc, self._namespace, self._find = vc, namespace, find

    def answer(self, body: bytes, action: str, call: Call) -> tuple[int, bytes]:
        """HTTP status and body of the reply. `Dropped` when there shall be none."""
        release, namespace = self._vc.release, self._namespace
        version = release.newest(namespace)
        try:
            version = call.version = release.negotiated(action, namespace)
            request = soap.decode(body, version, namespace)
            call.context = request.context
            self._greet(call)
            result, kind, flags = self._invoke(call, request)
            return 200, soap.encode(request.method, result, kind, flags, version, namespace)
        except vmodl.MethodFault as fault:
            return 500, soap.encode_fault(fault, version, namespace)
        except Dropped:
            raise
        except Exception as error:
            log.exception("a method of the simulator failed")
            return 500, soap.encode_fault(
                named_fault(vmodl.fault.SystemError(reason=repr(error)), repr(error)), version, namespace
            )

    def _greet(self, call: Call) -> None:
        """The request has been read, and nothing done yet."""

    def _invoke(self, call: Call, request: soap.Request) -> tuple[Any, Any, int]:
        self._vc.interference.called(request.method)
        self._vc.interference.meet(request.method, request.receiver, request.arguments, after=False)
        if request.fetches:
            answer = self._fetch(call, request)
        else:
            answer = self._call(call, request)
        self._vc.interference.meet(request.method, request.receiver, request.arguments, after=True)
        return answer

    def _fetch(self, call: Call, request: soap.Request) -> tuple[Any, Any, int]:
        managed = self._find(request.receiver, call.session)
        name = request.arguments.get("prop", "")
        info = property_of(managed.KIND, name)
        if info is None or not support.IsChildVersion(call.version, info.version):
            raise invalid_argument("prop", f"{managed.KIND.__name__} has no property {name}")
        self._vc.rights.demand(call.session, managed, managed.property_privilege(info))
        with self._vc.model.condition:
            value = typed(info.type, managed.property(name, call.session))
        return value, info.type, info.flags | support.F_OPTIONAL

    def _call(self, call: Call, request: soap.Request) -> tuple[Any, Any, int]:
        info = request.info
        managed = self._find(request.receiver, call.session)
        method = getattr(managed, request.method, None) if _callable_by_clients(info, managed, call.version) else None
        if method is None:
            raise named_fault(
                vmodl.fault.MethodNotFound(receiver=managed.ref, method=request.method),
                f"The method '{request.method}' is not supported by {managed.KIND.__name__}",
            )
        self._authorise(call, managed, info, request.arguments)
        return method(call, *self._arguments(info, request.arguments)), info.result, info.resultFlags

    def _authorise(self, call: Call, managed: Managed, info: Any, arguments: dict[str, Any]) -> None:
        if call.session is None and info.privId != _ANONYMOUS:
            raise named_fault(
                vim.fault.NotAuthenticated(object=managed.ref, privilegeId=info.privId or "System.View"),
                "The session is not authenticated.",
            )
        rights = self._vc.rights
        for privilege in (info.privId or managed.PRIVILEGES.get(info.wsdlName) or "").split():
            rights.demand(call.session, managed, privilege)
        for parameter in info.params:
            if parameter.privId:
                given = arguments.get(parameter.name)
                for each in given if isinstance(given, list) else [given]:
                    if is_reference(each):
                        for privilege in parameter.privId.split():
                            rights.demand(call.session, self._vc.find(each, call.session), privilege)

    @staticmethod
    def _arguments(info: Any, given: dict[str, Any]) -> list[Any]:
        arguments = []
        for parameter in info.params:
            value = given.get(parameter.name)
            if value is None and not parameter.flags & support.F_OPTIONAL and not issubclass(parameter.type, list):
                raise invalid_argument(parameter.name, f"{info.wsdlName} needs {parameter.name}")
            arguments.append(value)
        return arguments


def _callable_by_clients(info: Any, managed: Managed, version: str) -> bool:
    """Only what the registry declares for the object's type, in the version the client speaks."""
    return info is not None and issubclass(managed.KIND, info.type) and support.IsChildVersion(version, info.version)
