"""Sizes, durations, tables and the commands for hosts, as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from isthmus.core.errors import Occupied
from isthmus.core.model.attachment import AccessMode, Attachment, AttachmentState, Connection
from isthmus.plugins.cli.command import complain
from isthmus.plugins.cli.commands.host import initiators
from isthmus.plugins.cli.connecting import instructions
from isthmus.plugins.cli.output import cell, table
from isthmus.plugins.cli.sizes import Duration, Size, human_size

MOMENT = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20GiB", 20 << 30),
        ("1.5 TiB", 3 << 39),
        ("500MB", 500_000_000),
        ("4096", 4096),
        ("1k", 1000),
        ("2 mib", 2 << 20),
    ],
)
def test_a_size_is_read_as_written(text: str, size: int) -> None:
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "GiB", "-5GiB", "5 XB", "1e3", "ten", "5GiB5"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="20GiB"):
        Size().convert(text, None, None)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("12h", 43200), ("7d", 604800)])
def test_a_duration_is_read_as_written(text: str, seconds: int) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "h", "-1h", "1w", "1.5h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1 << 30, "1 GiB"), (3 << 39, "1.5 TiB")])
def test_a_size_is_shown_in_units(size: int, text: str) -> None:
    assert human_size(size) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("size", 1 << 30, "1 GiB"),
        ("name", None, "-"),
        ("enabled", True, "yes"),
        ("roles", ["a", "b"], "a, b"),
        ("metadata", {"k": "v"}, "k=v"),
        ("metadata", {}, "-"),
        ("version", 1024, "1024"),
        ("used_bytes", 1 << 30, "1 GiB"),
        ("volume", {"name": "gold", "size": 1 << 30}, "name=gold, size=1 GiB"),
        ("disks", {"came": ["naa.1", "naa.2"], "went": []}, "came=(naa.1, naa.2), went=-"),
        ("hosts", [{"id": "h1", "up": True}, {"id": "h2", "up": None}], "(id=h1, up=yes), (id=h2, up=-)"),
    ],
)
def test_a_cell_shows_a_value_as_people_read_it(name: str, value: object, text: str) -> None:
    assert cell(name, value) == text


def test_a_table_is_as_wide_as_it_needs_and_says_when_it_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    table((("NAME", "name"), ("SIZE", "size")), [{"name": "a-long-name", "size": 1 << 30}, {"name": "b", "size": 0}])
    table((("NAME", "name"),), [], "No volumes.")
    assert capsys.readouterr().out.splitlines() == [
        "NAME         SIZE",
        "a-long-name  1 GiB",
        "b            0 B",
        "No volumes.",
    ]


def test_initiators_are_taken_with_or_without_their_protocol() -> None:
    found = initiators(("iqn.2004-10.com.example:a", "nbd:web1", "iscsi:eui.0123456789abcdef"))
    assert [(each.protocol, each.name) for each in found] == [
        ("iscsi", "iqn.2004-10.com.example:a"),
        ("nbd", "web1"),
        ("iscsi", "eui.0123456789abcdef"),
    ]
    with pytest.raises(click.BadParameter):
        initiators(("web1",))


def _attachment(protocol: str, mode: AccessMode = AccessMode.READ_WRITE) -> Attachment:
    return Attachment("att", "t", "v", "h", mode, AttachmentState.ATTACHED, protocol, MOMENT, MOMENT)


ISCSI = Connection(
    "iscsi",
    {"portals": ["10.0.0.1:3260"], "iqn": "iqn.x", "lun": 1, "chap_user": "u", "identifier": "naa.6abc"},
    {"chap_secret": "hidden-secret"},
)
NBD = Connection(
    "nbd",
    {"address": "10.0.0.1", "port": 12000, "export": "e", "tls": True},
    {"ca": "CA-PEM", "certificate": "CERT-PEM", "key": "KEY-PEM"},
)


def test_the_commands_for_iscsi_name_target_user_and_device_but_no_secret() -> None:
    text = "\n".join(instructions(_attachment("iscsi"), ISCSI, with_secrets=False))
    assert "-T iqn.x -p 10.0.0.1:3260 --login" in text
    assert "username -v u" in text and "6abc" in text
    assert "hidden-secret" not in text
    assert "hidden-secret" in "\n".join(instructions(_attachment("iscsi"), ISCSI, with_secrets=True))


def test_the_commands_for_nbd_use_certificates_and_heed_read_only() -> None:
    text = "\n".join(instructions(_attachment("nbd", AccessMode.READ_ONLY), NBD, with_secrets=False))
    assert "nbd-client 10.0.0.1 12000 -N e -x" in text and " -R " in text
    assert "KEY-PEM" not in text
    assert "KEY-PEM" in "\n".join(instructions(_attachment("nbd"), NBD, with_secrets=True))


def test_the_operation_that_is_in_the_way_is_what_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    complain(Occupied("The volume is busy.", operation="op-7", request_id="req-1"))
    assert "Request req-1; see `isthmus explain op-7`." in capsys.readouterr().err
