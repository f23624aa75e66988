"""Profiles compiled: what is matched exactly, what by selector, what nothing enforces, and what is then done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from isthmus.core.errors import Invalid
from isthmus.core.model.opensds import wanted
from isthmus.core.model.profile import Profile
from isthmus.core.profiles.capabilities import Capabilities
from isthmus.core.profiles.default import default_profile
from isthmus.core.profiles.requirement import Requirement, compiled

NOW = datetime(2026, 1, 1, tzinfo=UTC)

#: The form in which OpenSDS's documentation shows profiles, every section of it filled in.
OPENSDS: dict[str, Any] = {
    "name": "gold",
    "storageType": "block",
    "description": "fast and safe",
    "provisioningProperties": {
        "dataStorage": {
            "recoveryTimeObjective": 10,
            "provisioningPolicy": "Thick",
            "compression": False,
            "deduplication": False,
            "characterCodeSet": "ASCII",
            "maxFileNameLengthBytes": 255,
            "storageAccessCapability": ["Read"],
        },
        "ioConnectivity": {
            "accessProtocol": "iSCSI",
            "maxIOPS": 150,
            "minIOPS": 50,
            "maxBWS": 5,
            "minBWS": 1,
            "latency": 1,
        },
    },
    "replicationProperties": {
        "dataProtection": {"isIsolated": True, "replicaType": "Mirror"},
        "replicaInfos": {"replicaUpdateMode": "Active", "replicationBandwidth": 5, "replicationPeriod": "P1D"},
    },
    "snapshotProperties": {
        "schedule": {"datetime": "2019-09-07T07:02:35", "occurrence": "Daily"},
        "retention": {"duration": 15, "number": 10},
        "topology": {"bucket": "b1"},
    },
    "dataProtectionProperties": {"dataProtection": {"minLifetime": "P30D"}, "consistencyEnabled": True},
    "customProperties": {"driver": "local", "capabilities:diskType": "<or> ssd <or> nvme"},
}


def io(**figures: Any) -> dict[str, Any]:
    return {"provisioningProperties": {"ioConnectivity": figures}}


def pool(**figures: Any) -> Capabilities:
    return Capabilities({"ioConnectivity": figures})


def test_a_profile_in_opensds_form_loads_and_is_taken_apart() -> None:
    document = wanted({"id": "theirs", "createdAt": "2019-09-07T07:02:35", **OPENSDS})
    found = compiled(document.properties, document.name)
    assert (document.name, document.storage_type, document.description) == ("gold", "block", "fast and safe")
    assert (found.protocol, found.thin, found.abilities) == ("iscsi", False, ("snapshot",))
    assert {key for key, _ in found.selectors} == {"dataStorage.compression", "dataStorage.deduplication", "diskType"}
    assert found.matches(Capabilities({"advanced": {"diskType": "ssd"}}))
    assert not found.matches(Capabilities({"advanced": {"diskType": "hdd"}}))


def test_everything_that_nothing_enforces_is_reported_by_name() -> None:
    assert set(compiled(wanted(OPENSDS).properties, "gold").unenforced) == {
        "provisioningProperties.dataStorage.recoveryTimeObjective",
        "provisioningProperties.dataStorage.characterCodeSet",
        "provisioningProperties.dataStorage.maxFileNameLengthBytes",
        "provisioningProperties.dataStorage.storageAccessCapability",
        "provisioningProperties.ioConnectivity.maxIOPS",
        "provisioningProperties.ioConnectivity.minIOPS",
        "provisioningProperties.ioConnectivity.maxBWS",
        "provisioningProperties.ioConnectivity.minBWS",
        "provisioningProperties.ioConnectivity.latency",
        "replicationProperties.dataProtection.isIsolated",
        "replicationProperties.dataProtection.replicaType",
        "replicationProperties.replicaInfos.replicaUpdateMode",
        "replicationProperties.replicaInfos.replicationBandwidth",
        "replicationProperties.replicaInfos.replicationPeriod",
        "snapshotProperties.topology.bucket",
        "dataProtectionProperties.dataProtection.minLifetime",
        "dataProtectionProperties.consistencyEnabled",
        "customProperties.driver",
    }


def test_required_enforcement_refuses_what_nothing_enforces_and_says_each_place() -> None:
    with pytest.raises(Invalid, match="enforcement is required") as caught:
        compiled({"enforcement": "required", "snapshotProperties": {"retention": {"number": 3}}}, "strict")
    assert [fault["path"] for fault in caught.value.details["faults"]] == ["/snapshotProperties/retention/number"]


def test_required_enforcement_takes_only_pools_that_enforce() -> None:
    strict = compiled({"enforcement": "required", **io(maxIOPS=500)}, "strict")
    assert not strict.matches(pool(maxIOPS=500))
    assert not strict.matches(pool())
    enforcing = Capabilities({"ioConnectivity": {"maxIOPS": 500}, "advanced": {"enforces": ["maxIOPS"]}})
    assert strict.matches(enforcing)
    assert strict.failures(pool(maxIOPS=500)) == [
        {"capability": "ioConnectivity.maxIOPS", "wanted": ">= 500, enforced", "has": 500}
    ]


def test_a_limit_counts_as_enforced_only_where_the_pools_own_limit_is_no_larger() -> None:
    wanted = compiled(io(maxIOPS=500, minIOPS=100), "limited")
    enforces = {"advanced": {"enforces": ["maxIOPS", "minIOPS"]}}
    exact = Capabilities({"ioConnectivity": {"maxIOPS": 500, "minIOPS": 200}, **enforces})
    larger = Capabilities({"ioConnectivity": {"maxIOPS": 900, "minIOPS": 200}, **enforces})
    assert wanted.unenforced_on(exact) == ()
    assert wanted.unenforced_on(larger) == ("provisioningProperties.ioConnectivity.maxIOPS",)
    assert wanted.unenforced_on(pool()) == wanted.unenforced


def test_latency_is_compared_the_right_way_round() -> None:
    wanted = compiled(io(latency=5), "quick")
    assert wanted.matches(pool(latency=2))
    assert not wanted.matches(pool(latency=9))


def test_a_figure_that_is_not_reported_does_not_refuse_but_a_mistyped_one_does() -> None:
    wanted = compiled(io(maxIOPS=100), "some")
    assert wanted.matches(pool())
    assert not wanted.matches(pool(maxIOPS="plenty"))
    assert wanted.failures(pool(maxIOPS="plenty"))[0]["has"] == "plenty"


def test_zero_asks_for_nothing() -> None:
    wanted = compiled({**io(maxIOPS=0, latency=0), "snapshotProperties": {"retention": {"number": 0}}}, "none")
    assert wanted.levels == ()
    assert wanted.abilities == ()
    assert wanted.unenforced == ()


@pytest.mark.parametrize("written", ["<is> true", "<is> True", True, "true"])
def test_multi_attach_is_a_selector_and_a_permission(written: Any) -> None:
    wanted = compiled({"customProperties": {"capabilities:multiAttach": written}}, "shared")
    assert wanted.multi_attach
    assert wanted.matches(Capabilities({"multiAttach": True}))
    assert wanted.matches(Capabilities({"advanced": {"multiAttach": "true"}}))
    assert not wanted.matches(Capabilities({}))


def test_multi_attach_that_is_not_wanted_refuses_no_pool() -> None:
    wanted = compiled({"customProperties": {"capabilities:multiAttach": "<is> false"}}, "single")
    assert not wanted.multi_attach
    assert wanted.matches(Capabilities({"multiAttach": True}))


@pytest.mark.parametrize("key", ["capabilities:x", "capabilities:", "capabilities:multiAttach"])
def test_a_selector_that_cannot_be_read_is_refused_with_its_place(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        compiled({"customProperties": {key: ">= much"}}, "wrong")
    assert caught.value.details["faults"][0]["path"] == f"/customProperties/{key}"


def test_all_selectors_that_cannot_be_read_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        compiled({"customProperties": {"capabilities:x": ">= much", "capabilities:y": "<is> so"}}, "wrong")
    assert len(caught.value.details["faults"]) == 2


def test_the_zone_may_come_from_the_profile() -> None:
    assert compiled({"customProperties": {"availabilityZone": "az 1"}}, "zoned").zone == "az 1"


def test_file_properties_are_matched_for_files_and_reported_for_blocks() -> None:
    storage = {
        "maxFileNameLengthBytes": 255,
        "characterCodeSet": "UTF-8",
        "storageAccessCapability": ["Read", "Write"],
    }
    properties = {"provisioningProperties": {"dataStorage": storage}}
    files = Capabilities({"storageType": "file", "dataStorage": storage})
    short = Capabilities({"storageType": "file", "dataStorage": {"maxFileNameLengthBytes": 64}})
    assert compiled(properties, "files", "file").matches(files)
    assert len(compiled(properties, "files", "file").failures(short)) == 4
    assert len(compiled(properties, "blocks", "block").unenforced) == 3


def test_a_pool_of_another_storage_type_does_not_match() -> None:
    assert not Requirement("files", storage_type="file").matches(Capabilities({}))
    assert Requirement("files", storage_type="file").matches(Capabilities({"storageType": ["block", "file"]}))
    assert Requirement("blocks").matches(Capabilities({}))


def test_keys_are_equal_only_for_what_matches_alike() -> None:
    one, same = compiled(io(maxIOPS=5), "one"), compiled(io(maxIOPS=5), "other name")
    assert one.key == same.key
    others = [compiled(io(maxIOPS=6), "x"), compiled(io(minIOPS=5), "x"), compiled({}, "x"), compiled({}, "x", "file")]
    assert len({one.key, *(other.key for other in others)}) == 5
    assert compiled({"enforcement": "required", **io(maxIOPS=5)}, "x").key != one.key


def test_the_default_profile_is_thin_block_over_iscsi() -> None:
    found = Requirement.of(default_profile("id", NOW))
    assert (found.storage_type, found.thin, found.protocol, found.zone) == ("block", True, "iscsi", None)
    assert (found.selectors, found.levels, found.abilities, found.unenforced) == ((), (), (), ())
    assert found.matches(Capabilities({}))


def test_a_changed_profile_is_compiled_again() -> None:
    def profile(**figures: Any) -> Profile:
        return Profile("p", "p", "block", NOW, NOW, properties=io(**figures))

    first = Requirement.of(profile(maxIOPS=1))
    assert Requirement.of(profile(maxIOPS=1)) is first
    assert Requirement.of(profile(maxIOPS=2)).key != first.key
