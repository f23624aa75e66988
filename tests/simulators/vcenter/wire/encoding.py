"""The registry's serialiser, which writes the value of a property once and remembers the text.

Values of properties are never changed in place (see `values`), so the text of one is good as long as the value lives.
"""

from __future__ import annotations

import weakref
from io import StringIO
from typing import Any

from ..registry import soap_adapter, support

_Serializer: Any = soap_adapter.SoapSerializer
_texts: dict[int, tuple[Any, dict[Any, str]]] = {}


def serialised(value: Any, info: Any, version: str, namespaces: dict[str, str]) -> str:
    """A value as XML, for clients of an API version."""
    writer = StringIO()
    _Remembering(writer, version, namespaces).Serialize(value, info)
    return writer.getvalue()


class _Remembering(_Serializer):  # type: ignore[misc]
    writer: Any

    def _Serialize(self, val: Any, info: Any, defNS: str) -> None:  # noqa: N802, N803 (the base's names)
        if info.name != "val" or self.outermostAttrs or not isinstance(val, (support.DataObject, support.Array)):
            super()._Serialize(val, info, defNS)
            return
        texts = _remembered(val)
        key = (self.version, info.type, defNS)
        text = texts.get(key)
        if text is None:
            writer, self.writer = self.writer, StringIO()
            try:
                super()._Serialize(val, info, defNS)
                text = texts[key] = self.writer.getvalue()
            finally:
                self.writer = writer
        self.writer.write(text)


def _remembered(value: Any) -> dict[Any, str]:
    identity = id(value)
    kept = _texts.get(identity)
    if kept is None or kept[0]() is not value:
        kept = _texts[identity] = (weakref.ref(value, lambda _: _texts.pop(identity, None)), {})
    return kept[1]
