"""Being found on the network: answers to SSDP searches (DSP0266, Discovery; UPnP Device Architecture 1.1, M-SEARCH).

Only searches sent to the multicast group are answered: a machine that answered searches from anywhere would serve to
flood others whose address is forged. No NOTIFY is sent.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import struct
import time
from urllib.parse import urlsplit

from ...core.duties.duty import Duty, DutyRun
from ...core.errors import Misconfigured
from ...plugin_manager.contract import PluginSetup
from . import uris
from .discovery_settings import DiscoverySettings
from .identity import Identity
from .protocol.versions import REDFISH

GROUP, PORT = "239.255.255.250", 1900
MAX_AGE = 1800
"""Seconds for which an answer holds; the least that DSP0266 allows."""
MOST_ANSWERS = 100
"""Answers a second; further searches go unanswered."""

_TARGET = "urn:dmtf-org:service:redfish-rest:1"
_ASKED = re.compile(rf"(?:ssdp:all|{_TARGET}(?::[0-9]{{1,4}})?)", re.IGNORECASE)
_LARGEST = 2048
_LOOK = 1.0
_IP_MULTICAST_ALL = 49  # of linux/in.h; Python's socket does not have it


class Discovery:
    """The duty of each node to answer searches."""

    def __init__(self, setup: PluginSetup) -> None:
        self._setup = setup
        self._settings = DiscoverySettings(setup)
        self._identity = Identity(setup.records)
        self._address = setup.server.address
        self._second, self._answers = 0.0, 0

    def duty(self) -> Duty:
        return Duty(f"swordfish.discovery.{self._setup.server.node}", interval=5.0, run=self._run)

    def _run(self, run: DutyRun) -> None:
        with listening(self._setup.server.host) as group:
            group.settimeout(_LOOK)
            while run.go_on():
                with contextlib.suppress(TimeoutError):
                    said, sender = group.recvfrom(_LARGEST)
                    if is_search(said) and self._may_answer(sender[0]):
                        with contextlib.suppress(OSError):  # who asked cannot be reached any more
                            group.sendto(self.answer(), sender)

    def answer(self) -> bytes:
        """What a search is told."""
        target = f"{_TARGET}:{REDFISH.split('.')[1]}"
        lines = (
            "HTTP/1.1 200 OK",
            f"CACHE-CONTROL: max-age={MAX_AGE}",
            f"ST: {target}",
            f"USN: uuid:{self._identity.uuid}::{target}",
            f"AL: {self._address}{uris.ROOT}/",
            "EXT:",
            "",
            "",
        )
        return "\r\n".join(lines).encode()

    def _may_answer(self, sender: str) -> bool:
        # An address of this machine alone is nothing to tell others.
        if _is_loopback(urlsplit(self._address).hostname or "") and not _is_own(sender):
            return False
        second = time.monotonic() // 1
        self._answers = self._answers + 1 if second == self._second else 1
        self._second = second
        return self._answers <= MOST_ANSWERS and self._settings.read().enabled


def is_search(said: bytes) -> bool:
    """Whether a datagram looks for a Redfish service, or for everything."""
    first, *lines = said.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return (
        first == "M-SEARCH * HTTP/1.1"
        and headers.get("man") == '"ssdp:discover"'
        and _ASKED.fullmatch(headers.get("st", "")) is not None
    )


def listening(host: str) -> socket.socket:
    """A socket that hears searches on the interface with the address `host`, or on all for a wildcard.

    Raises `Misconfigured` for an address of IPv6: searches are heard over IPv4. Raises OSError.
    """
    with contextlib.ExitStack() as failed:
        group = failed.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Without this, searches on interfaces that other programs listen on would come too.
        group.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        group.bind((GROUP, PORT))
        joined = 0
        for address, interface in _interfaces(host):
            request = struct.pack("@4s4si", socket.inet_aton(GROUP), socket.inet_aton(address), interface)
            with contextlib.suppress(OSError):
                group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
                joined += 1
        if not joined:
            raise Misconfigured(f"No interface of {host} takes part in multicast.", next_step="Switch discovery off.")
        failed.pop_all()
    return group


def _interfaces(host: str) -> list[tuple[str, int]]:
    """Addresses and numbers of interfaces; one of the two says which, the other is zero."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared with, not bound
        return [("0.0.0.0", number) for number, _ in socket.if_nameindex()]  # noqa: S104
    try:
        return [(socket.getaddrinfo(host, PORT, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0], 0)]  # type: ignore[list-item]
    except socket.gaierror:
        raise Misconfigured(
            f"Searches are heard over IPv4, and {host} has no such address.", next_step="Switch discovery off."
        ) from None


def _is_own(address: str) -> bool:
    """Whether this machine has the address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.bind((address, 0))
        return True
    return False


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
