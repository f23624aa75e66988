"""SOAP as vCenter speaks it: requests decoded and replies encoded by the registry's own (de)serialisers."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape

from ..registry import NAMESPACE, method_called, named_fault, soap_adapter, support, vmodl
from .encoding import serialised

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_HEADER, _BODY = f"{_ENVELOPE} Header", f"{_ENVELOPE} Body"
_START, _END = soap_adapter.XML_HEADER + "\n" + soap_adapter.SOAP_START, soap_adapter.SOAP_END
_FETCH = "Fetch"


@dataclass(slots=True)
class Request:
    """One decoded call. `info` is None for a method the registry does not know (its arguments are not decoded)."""

    method: str = ""
    receiver: Any = None
    info: Any = None
    arguments: dict[str, Any] = field(default_factory=dict)
    # The SOAP header's elements (operationID, …): plain strings.
    context: dict[str, str] = field(default_factory=dict)

    @property
    def fetches(self) -> bool:
        """Whether this reads one property (the undocumented `Fetch`)."""
        return self.method == _FETCH


def decode(body: bytes, version: str, namespace: str = NAMESPACE) -> Request:
    """A request from its envelope. InvalidRequest for what cannot be understood."""
    try:
        request = _Decoder(version, namespace).decode(body)
    except (ExpatError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise named_fault(vmodl.fault.InvalidRequest(), f"The request cannot be decoded: {error}") from None
    if request.receiver is None:
        raise named_fault(vmodl.fault.InvalidRequest(), "The request names no object")
    return request


class _Decoder:
    """Walks to the call's elements and gives each to the registry's deserialiser."""

    def __init__(self, version: str, namespace: str) -> None:
        self._namespace = namespace
        self._values = soap_adapter.SoapDeserializer(None, version)
        self._namespaces: dict[str | None, list[str]] = {}
        self._path: list[str] = []
        self._text = ""
        self._pending: tuple[str, bool] | None = None
        self._request = Request()
        self._parser = ParserCreate(namespace_separator=soap_adapter.NS_SEP)

    def decode(self, body: bytes) -> Request:
        parser = self._parser
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartNamespaceDeclHandler = self._declare
        parser.EndNamespaceDeclHandler = self._undeclare
        parser.Parse(body, True)
        return self._request

    def _declare(self, prefix: str | None, uri: str) -> None:
        self._namespaces.setdefault(prefix, []).append(uri)

    def _undeclare(self, prefix: str | None) -> None:
        self._namespaces[prefix].pop()

    def _characters(self, data: str) -> None:
        self._text += data

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._collect()
        name = tag.rpartition(" ")[2]
        if len(self._path) == 2 and self._path[1] == _BODY:
            self._request.method = name
            self._request.info = None if name == _FETCH else method_called(name, self._namespace)
        elif len(self._path) == 3 and self._path[1] == _BODY:
            self._argument(tag, name, attributes)
            return
        self._path.append(tag)
        self._text = ""

    def _argument(self, tag: str, name: str, attributes: dict[str, str]) -> None:
        if name == "_this":
            kind, many = support.ManagedObject, False
        elif self._request.method == _FETCH:
            kind, many = str, False
        else:
            parameters = self._request.info.params if self._request.info else ()
            known = next((each for each in parameters if each.name == name), None)
            if known is None:
                if self._request.info:
                    raise ValueError(f"{self._request.method} has no parameter {name}")
                self._path.append(tag)
                return
            many = issubclass(known.type, list)
            kind = known.type.Item if many else known.type
        self._pending = (name, many)
        self._values.Deserialize(self._parser, kind, False, self._namespaces)
        self._values.StartElementHandler(tag, attributes)

    def _collect(self) -> None:
        """Take over what the deserialiser has finished."""
        if self._pending is None:
            return
        (name, many), self._pending = self._pending, None
        value = self._values.GetResult()
        if name == "_this":
            self._request.receiver = value
        elif many:
            self._request.arguments.setdefault(name, []).append(value)
        else:
            self._request.arguments[name] = value

    def _end(self, tag: str) -> None:
        self._collect()
        self._path.pop()
        if len(self._path) == 2 and self._path[1] == _HEADER:
            self._request.context[tag.rpartition(" ")[2]] = self._text


def encode(method: str, result: Any, kind: Any, flags: int, version: str, namespace: str = NAMESPACE) -> bytes:
    """The reply to a call; `kind` and `flags` as the registry declares the result."""
    body = ""
    if result is not None:
        info = support.Object(name="returnval", type=kind, version="vmodl.version.version0", flags=flags)
        body = serialised(result, info, version, _namespaces(namespace))
    return f'{_START}<{method}Response xmlns="{namespace}">{body}</{method}Response>{_END}'.encode()


def encode_fault(fault: Any, version: str, namespace: str = NAMESPACE) -> bytes:
    """The reply that says what went wrong."""
    kind = support.GetCompatibleType(type(fault), version)
    name = f"{support.GetWsdlName(kind)}Fault"
    info = support.Object(name=name, type=object, version="vmodl.version.version0", flags=0)
    message = fault.msg or ""
    fault = copy.copy(fault)
    fault.msg = None
    detail = soap_adapter.SerializeFaultDetail(fault, info, version, _namespaces(namespace))
    detail = detail.replace(f"<{name}", f'<{name} xmlns="{namespace}"', 1)
    return (
        f"{_START}<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{escape(message)}</faultstring>"
        f"<detail>{detail}</detail></soapenv:Fault>{_END}"
    ).encode()


def _namespaces(default: str) -> dict[str, str]:
    return {**soap_adapter.SOAP_NSMAP, default: ""}
