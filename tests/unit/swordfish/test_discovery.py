"""Which datagrams are searches for this service."""

from __future__ import annotations

import pytest

from isthmus.core.errors import Misconfigured
from isthmus.plugins.swordfish.discovery import is_search, listening

REDFISH = "urn:dmtf-org:service:redfish-rest:1"


def search(target: str, first: str = "M-SEARCH * HTTP/1.1", man: str = '"ssdp:discover"') -> bytes:
    return f"{first}\r\nHost: 239.255.255.250:1900\r\nMan: {man}\r\nST: {target}\r\nMX: 3\r\n\r\n".encode()


@pytest.mark.parametrize("target", [REDFISH, f"{REDFISH}:20", "ssdp:all", "SSDP:ALL"])
def test_who_looks_for_redfish_or_for_everything_looks_for_this(target: str) -> None:
    assert is_search(search(target))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\xff\xfe\x00",
        search("upnp:rootdevice"),
        search("urn:dmtf-org:service:redfish-rest:2"),
        search(f"{REDFISH}0"),
        search(REDFISH, first="NOTIFY * HTTP/1.1"),
        search(REDFISH, first="GET / HTTP/1.1"),
        search(REDFISH, man="ssdp:discover"),
        f"M-SEARCH * HTTP/1.1\r\nST: {REDFISH}\r\n\r\n".encode(),
    ],
)
def test_anything_else_is_not_answered(said: bytes) -> None:
    assert not is_search(said)


def test_an_address_of_ipv6_cannot_be_searched() -> None:
    with pytest.raises(Misconfigured, match="IPv4"):
        listening("::1")
