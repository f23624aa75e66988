"""The official message registries: what a MessageId means, and whether a message that a service sends is one of them.

A registry is a MessageRegistry document (DSP2065); a MessageId is `Registry.Major.Minor.Key` (DSP0266).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MESSAGE_ID = re.compile(r"^([A-Za-z0-9]+)\.(\d+)\.(\d+)\.([A-Za-z0-9.]+)$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


@dataclass(frozen=True, slots=True)
class RegisteredMessage:
    """One message of a registry: `text` has `%1`, `%2`… where the arguments go; `kinds` are their types."""

    text: str
    kinds: tuple[str, ...]

    def filled(self, arguments: Iterable[str]) -> str:
        """The text with its arguments in place."""
        found = list(arguments)
        return re.sub(r"%(\d)", lambda match: found[int(match[1]) - 1], self.text)


class Messages:
    """What the registries know. Read only; `including` makes a copy that knows more."""

    def __init__(self, documents: Iterable[Mapping[str, Any]]) -> None:
        self._versions: dict[str, tuple[str, str]] = {}
        self._messages: dict[tuple[str, str], RegisteredMessage] = {}
        for document in documents:
            registry = document["RegistryPrefix"]
            major, minor, _ = document["RegistryVersion"].split(".")
            self._versions[registry] = (major, minor)
            for key, message in document["Messages"].items():
                kinds = tuple(message.get("ParamTypes", ()))
                assert len(kinds) == message["NumberOfArgs"], f"{registry}.{key}: ParamTypes and NumberOfArgs differ"
                self._messages[registry, key] = RegisteredMessage(message["Message"], kinds)

    @classmethod
    def read(cls, folder: Path) -> Messages:
        """All message registries of a folder; other registries in it are passed over."""
        documents = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
        return cls(document for document in documents if "Messages" in document)

    def including(self, document: Mapping[str, Any]) -> Messages:
        """These registries and one more, which a service brings of its own."""
        more = Messages([document])
        more._versions = {**self._versions, **more._versions}
        more._messages = {**self._messages, **more._messages}
        return more

    def find(self, message_id: str) -> RegisteredMessage:
        """Raises `KeyError` with the reason when no registry has this MessageId in this version."""
        match = _MESSAGE_ID.match(message_id)
        if match is None:
            raise KeyError(f"{message_id!r} is not Registry.Major.Minor.Key")
        registry, major, minor, key = match.groups()
        if registry not in self._versions:
            raise KeyError(f"{message_id!r}: there is no registry {registry}")
        if self._versions[registry] != (major, minor):
            raise KeyError(f"{message_id!r}: the registry is version {'.'.join(self._versions[registry])}")
        if (registry, key) not in self._messages:
            raise KeyError(f"{message_id!r} is not in its registry")
        return self._messages[registry, key]

    def identifier(self, registry: str, key: str) -> str:
        """The MessageId of a key, in the version at hand. Raises `KeyError` when there is none."""
        return f"{registry}.{'.'.join(self._versions[registry])}.{self._messages[registry, key] and key}"

    def errors(self, message: Mapping[str, Any]) -> list[str]:
        """What is wrong with an object that carries a MessageId: unknown, wrong number or kind of arguments, a text
        that is not the registry's. Severity and resolution are the service's to choose (Message schema)."""
        try:
            known = self.find(str(message["MessageId"]))
        except KeyError as error:
            return [f"MessageId: {error.args[0]}"]
        arguments = message.get("MessageArgs") or []
        if len(arguments) != len(known.kinds):
            return [f"MessageArgs: {message['MessageId']} takes {len(known.kinds)}, not {len(arguments)}"]
        wrong = [
            f"MessageArgs/{index}: {argument!r} is not a number"
            for index, (argument, kind) in enumerate(zip(arguments, known.kinds, strict=True))
            if kind == "number" and not _NUMBER.match(str(argument))
        ]
        if not wrong and "Message" in message and message["Message"] != known.filled(map(str, arguments)):
            wrong.append(f"Message: {message['Message']!r} is not {known.filled(map(str, arguments))!r}")
        return wrong
