"""Where a vCenter is, and by what it is known to be the right one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from ....core.errors import Invalid
from .trust import Trust

_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A vCenter's address: host name or IP address (IPv6 without brackets), port, trust."""

    host: str
    port: int
    trust: Trust

    @property
    def address(self) -> str:
        """`host`, or `host:port` where the port is not the usual one."""
        return address(self.host, self.port)

    @property
    def url(self) -> str:
        """`https://host[:port]`, without a slash at the end."""
        return f"https://{self.address}"


def address(host: str, port: int) -> str:
    """As it is written: IPv6 in brackets, the usual port left out."""
    name = f"[{host}]" if ":" in host else host
    return name if port == _HTTPS else f"{name}:{port}"


def split(text: str) -> tuple[str, int]:
    """Host and port of `vc.example.com`, `vc.example.com:8443` or an https URL; raises `Invalid`."""
    given = text.strip()
    if "://" not in given:
        given = f"https://[{given}]" if given.count(":") > 1 and not given.startswith("[") else f"https://{given}"
    try:
        parts = urlsplit(given)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _HTTPS
    except ValueError:
        host, port = "", 0
        parts = urlsplit("")
    if not host or parts.scheme != "https" or parts.username or parts.password or any(c.isspace() for c in host):
        raise Invalid(
            f"{text!r} is no address of a vCenter.",
            next_step="Give a host name or address, with :port if it is not 443.",
            field="vcenter",
        )
    return host, port
