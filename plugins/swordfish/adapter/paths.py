"""URIs of a service as ids of nouns and back.

A Redfish `Id` is unique within its collection only. The path is unique in the service, so an id is the path below the
service root with `~` for slashes: `StorageServices~1~Volumes~7`. The service's links gave it in the first place.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from ....core.errors import NotFound

ROOT = "/redfish/v1/"
_ID = re.compile(r"[A-Za-z0-9._:@!$&'()*+,;=%-]+(~[A-Za-z0-9._:@!$&'()*+,;=%-]+)*")


def path_of(link: Any) -> str | None:
    """The path of a link, whatever host stands in it (a service may know itself by another name); None for none."""
    if not isinstance(link, str):
        return None
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    path = parts.path.rstrip("/")
    if not path.startswith("/") or ".." in path.split("/"):
        return None
    return f"{path}?{parts.query}" if parts.query else path


def id_of(path: str) -> str:
    """The id of what is at a path."""
    inner = path.removeprefix(ROOT).partition("?")[0].partition("#")[0].strip("/").replace("~", "%7E")
    return inner.replace("/", "~")


def uri_of(identifier: str) -> str:
    """Where the thing with this id is; raises `NotFound` for what can be no id."""
    if not isinstance(identifier, str) or not _ID.fullmatch(identifier) or {".", ".."} & set(identifier.split("~")):
        raise NotFound(f"There is nothing with the id {str(identifier)[:100]!r}.")
    return ROOT + identifier.replace("~", "/")


def last(path: str) -> str:
    """The last segment of a path."""
    return path.rpartition("/")[2]


def parent(path: str) -> str:
    """The path of the collection that a path is directly below."""
    return path.rpartition("/")[0]
