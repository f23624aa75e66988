"""Names in tgtd say what they stand for and can be taken apart again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isthmus.core.drivers.contract import Grant
from isthmus.core.errors import Refused
from isthmus.core.model.attachment import AccessMode
from isthmus.core.targets.iscsi import layout
from isthmus.core.targets.iscsi.layout import Name

PLACEMENT = "3f1c2a52-0000-4000-8000-000000000001"
GRANT = Grant(
    attachment="6f1c2a52-0000-4000-8000-000000000002",
    host="h",
    mode=AccessMode.READ_WRITE,
    initiators=("iqn.2016-01.example:one",),
    user="user",
    secret="0123456789abcdef",
)


def test_an_attachment_has_a_target_of_its_own() -> None:
    name = layout.target_name("node1", PLACEMENT, GRANT)
    assert str(name) == f"iqn.2026-01.dev.isthmus:node1:{PLACEMENT}.{GRANT.attachment}"
    assert layout.parse_name(str(name)) == name and not name.shared
    assert len(str(name)) <= 223


def test_hosts_that_share_have_one_for_writing_and_one_for_reading() -> None:
    shared = replace(GRANT, shared=True)
    other = replace(shared, attachment="7f1c2a52-0000-4000-8000-000000000003")
    reading = replace(shared, mode=AccessMode.READ_ONLY)
    assert layout.target_name("n", PLACEMENT, shared) == layout.target_name("n", PLACEMENT, other)
    assert layout.target_name("n", PLACEMENT, reading) == Name("n", PLACEMENT, "shared-ro")
    assert layout.target_name("n", PLACEMENT, shared).shared


def test_numbers_are_positive_and_come_from_the_name_alone() -> None:
    numbers = {Name("n", PLACEMENT, f"a{index}").tid for index in range(1000)}
    assert len(numbers) == 1000 and min(numbers) > 0 and max(numbers) <= layout.LARGEST_TID
    assert Name("n", PLACEMENT, "a").tid == Name("n", PLACEMENT, "a").tid


@pytest.mark.parametrize("text", ["", "iqn.2003-01.org.other:n:p.a", "iqn.2026-01.dev.isthmus:n", f"x{PLACEMENT}.a"])
def test_names_of_others_are_not_taken_for_ours(text: str) -> None:
    assert layout.parse_name(text) is None


def test_a_node_name_becomes_part_of_an_iscsi_name() -> None:
    assert layout.node_name("Storage_01.example.com") == "storage-01-example-com"
    assert layout.node_name("***") == "node"


def test_an_identifier_is_32_digits_that_begin_with_a_6() -> None:
    digits = "6" + "0123456789abcdef" * 2
    assert layout.scsi_id(f"naa.{digits[:32]}") == digits[:32]
    for wrong in ("naa.5" + "0" * 31, "naa.6" + "0" * 30, "eui.6" + "0" * 31, ""):
        with pytest.raises(Refused):
            layout.scsi_id(wrong)


def test_a_filler_belongs_to_one_target_and_no_user_can_have_its_name() -> None:
    filler = layout.new_filler(7)
    assert layout.is_filler(filler, 7) and not layout.is_filler(filler, 77)
    with pytest.raises(Refused):
        layout.check(replace(GRANT, user=filler))


@pytest.mark.parametrize(
    "secret", ["0123456789a", "x" * 256, "0123456789 ab", "0123456789,ab", "0123456789=ab", "äöü" * 5]
)
def test_secrets_that_tgtd_or_initiators_cannot_take_are_refused_unnamed(secret: str) -> None:
    with pytest.raises(Refused) as caught:
        layout.check(replace(GRANT, secret=secret))
    assert secret not in repr(caught.value.to_json())


def test_secrets_of_16_letters_and_digits_are_taken() -> None:
    layout.check(GRANT)
