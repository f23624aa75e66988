"""Nouns are written as the codec writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from isthmus.core.model.attachment import AccessMode
from isthmus.core.model.codec import to_json
from isthmus.core.model.description import Explanation
from isthmus.core.model.event import Event
from isthmus.core.model.host import Host, Initiator
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.volume import Volume, VolumeState
from isthmus.plugins.rest.encoding import encoded

MOMENT = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
VOLUME = Volume("v", "t", "Größe \U0001f600 \"'", 1 << 60, "p", VolumeState.ERROR, "iscsi", MOMENT, MOMENT)
OPERATION = Operation(
    "o", "volume.create", "volume", "v", None, "u", "r", OperationState.DONE, MOMENT, MOMENT, result={"a": [1, None]}
)
EVENT = Event("e", "volume.created", "volume", "v", "t", "u", "r", MOMENT, body=MappingProxyType(to_json(VOLUME)))
HOST = Host("h", None, "n", MOMENT, MOMENT, initiators=(Initiator("iscsi", "iqn.2026-01.example:n"),))


@pytest.mark.parametrize("noun", [VOLUME, OPERATION, EVENT, HOST, Explanation("r", (OPERATION,), (), (EVENT,))])
def test_a_noun_is_written_as_the_codec_does(noun: object) -> None:
    assert json.loads(encoded(noun)) == to_json(noun)


def test_nouns_inside_plain_json_are_written_too() -> None:
    document = {"items": (VOLUME,), "roles": frozenset({"member"}), "mode": AccessMode.READ_ONLY, "at": MOMENT}
    assert json.loads(encoded(document)) == {
        "items": [to_json(VOLUME)],
        "roles": ["member"],
        "mode": "ro",
        "at": "2026-01-31T12:00:00.000005Z",
    }


def test_what_has_no_form_is_a_defect_and_not_a_text() -> None:
    with pytest.raises(TypeError):
        encoded({"secret": object()})
