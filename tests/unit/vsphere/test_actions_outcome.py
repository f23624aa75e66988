"""How an operation ended is told in the language of who looks, as the journal kept it, and never better than it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from isthmus.core.errors import IsthmusError, NeedsAttention
from isthmus.core.model.identity import now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.plugins.vsphere.actions.outcome import outcome
from isthmus.plugins.vsphere.actions.told import error_of
from isthmus.plugins.vsphere.connection.errors import PrivilegeMissing, Unreachable
from isthmus.plugins.vsphere.connection.faults import of_fault
from isthmus.plugins.vsphere.connection.vmodl import vim, vmodl

LANGUAGES = {"en": "Everything is as it was before.", "de": "Alles ist wie zuvor.", "zh": "一切恢复原状。"}
PRIVILEGE = of_fault(vim.fault.NoPermission(privilegeId="Datastore.Delete", msg="Nope"), "vc")


def ended(
    state: str, error: IsthmusError | None, result: Mapping[str, Any] | None = None, kind: str = "vsphere.expand"
) -> Operation:
    """One that the journal has."""
    return Operation(
        id="op-1", kind=kind, resource_type="Datastore", resource="r", tenant="t", user="u", request_id="q",
        state=OperationState(state), created_at=now(), updated_at=now(), result=result or {},
        error=None if error is None else error.to_json(),
    )  # fmt: skip


def stuck(cause: IsthmusError | None, because: Any = None) -> NeedsAttention:
    """What the journal says of a step."""
    more: Any = {"where": ["extend"]} if cause is None else {"cause": cause.to_json()}
    return NeedsAttention("Step grow fails.", next_step="Remove the cause.", step="grow", because=because, **more)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_of_what_was_undone_everything_is_as_before(locale: str) -> None:
    assert outcome(ended("failed", PRIVILEGE), locale).endswith(LANGUAGES[locale])
    assert outcome(ended("cancelled", None), locale).endswith(LANGUAGES[locale])


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_stays_is_told_instead(locale: str, state: str) -> None:
    left = {"text": "left.expand", "values": {"name": "gold", "size": 5 << 30}}
    told = outcome(ended(state, PRIVILEGE, {"left": left}), locale)
    assert "gold" in told and "5 GiB" in told and LANGUAGES[locale] not in told


@pytest.mark.parametrize("state", ["needs_attention", "abandoned"])
def test_nothing_is_promised_of_what_was_not_undone(state: str) -> None:
    for locale, promise in LANGUAGES.items():
        assert promise not in outcome(ended(state, stuck(PRIVILEGE)), locale)


def test_nothing_is_promised_of_operations_of_the_core() -> None:
    assert outcome(ended("failed", PRIVILEGE, kind="volume.extend"), "en") == error_of(ended("failed", PRIVILEGE), "en")


def test_a_step_that_keeps_failing_is_told_with_its_cause_in_the_language_of_who_looks() -> None:
    told = outcome(ended("needs_attention", stuck(PRIVILEGE)), "de")
    assert told.startswith("Der Schritt „")
    assert "hat es nicht erlaubt: Datastore.Delete" in told and "Vorgang op-1 wiederholen" in told
    assert "keeps failing" not in told and "did not allow" not in told
    english = outcome(ended("needs_attention", stuck(PRIVILEGE)), "en")
    assert "keeps failing: vCenter vc did not allow it: Datastore.Delete" in english


@pytest.mark.parametrize(("because", "words"), [(None, "hängt: Er"), ({"code": "cancelled"}, "Rückgängigmachen")])
def test_a_step_that_hangs_is_told_in_the_language_of_who_looks(because: Any, words: str) -> None:
    told = outcome(ended("needs_attention", stuck(None, because)), "de")
    assert words in told and "Prüfen Sie Speicher und Hosts" in told


@pytest.mark.parametrize(
    "error",
    [
        PrivilegeMissing("vCenter vc did not allow it.", vcenter="vc", privilege="Task.Create"),
        Unreachable("vCenter vc cannot be reached: timed out.", vcenter="vc"),
    ],
)
def test_an_error_of_the_way_is_told_by_what_an_operations_record_keeps_of_it(error: IsthmusError) -> None:
    told = error_of(ended("failed", error), "de")
    assert told.startswith("Das vCenter ") and "vCenter vc " in told and told != error_of(ended("failed", error), "en")
    assert error_of(ended("failed", error), "en") == error.message


@pytest.mark.parametrize(
    "fault",
    [
        vim.fault.TaskInProgress(),
        vim.fault.ResourceInUse(),
        vmodl.fault.InvalidArgument(invalidProperty="spec.size"),
        vmodl.fault.NotSupported(),
        vmodl.fault.ManagedObjectNotFound(),
        vim.fault.DuplicateName(name="gold"),
        vim.fault.HostConfigFault(msg="The disk is gone."),
    ],
    ids=lambda fault: type(fault).__name__.rpartition(".")[2],
)
def test_what_a_vcenter_refuses_has_a_cure_in_every_language(fault: Any) -> None:
    operation = ended("failed", of_fault(fault, "vc"))
    assert operation.error is not None and operation.error["next_step"] in error_of(operation, "en")
    told = {error_of(operation, locale) for locale in LANGUAGES}
    assert len(told) == 3 and all("vc" in each for each in told)
