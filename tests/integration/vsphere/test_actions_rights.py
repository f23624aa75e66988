"""With the rights that the manual names for an action and no others a person can begin it, fail late and finish it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import isthmus
from isthmus.core.errors import Forbidden
from isthmus.plugins.vsphere.actions.declaration import Declared
from isthmus.plugins.vsphere.actions.declared import DECLARED
from isthmus.plugins.vsphere.vcenters.privileges import SERVICE_ACCOUNT
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import GIB, ActionSite, action_site, message
from tests.integration.vsphere.machines_site import CLUSTER, MIB, live_array, machine, state
from tests.integration.vsphere.test_host_settings import spoil
from tests.simulators.vcenter import Role
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.rights import READ
from tests.simulators.vcenter.rights import Role as Granted

MANUAL = (Path(isthmus.__file__).parent / "docs" / "vsphere.md").read_text()
SECOND = "esx-02.example.test"
_NAMED = re.compile(r"`([A-Z]\w+(?:\.\w+)+|\.\w+|[a-z-]+)`")


@dataclass(frozen=True)
class Case:
    """An action on an object, with its input. `power`: that of a machine on the datastore, None without one; `hosts`:
    those that have the datastore, all by default; `idle`: rights that what is done here does not need."""

    on: str
    given: Mapping[str, Any] = field(default_factory=dict)
    power: bool | None = None
    raw: bool = False
    kept: bool = False
    hosts: tuple[str, ...] = ()
    idle: frozenset[str] = frozenset()


CASES = {
    "provision": Case(CLUSTER, {"name": "silver", "size": 2 * GIB, "profile": "shared"}),
    "delete": Case("gold"),
    "expand": Case("gold", {"size": 3 * GIB}),
    "mount": Case("gold", {"hosts": [SECOND]}, hosts=("esx-01.example.test",)),
    "unmount": Case("gold", {"hosts": [SECOND]}),
    "snapshot": Case("gold", {"name": "tuesday"}, power=True),
    "clone": Case("gold", {"name": "copy"}, power=True),
    "restore": Case("gold", {"snapshot": "monday"}, power=False, kept=True),
    "snapshot-delete": Case("gold", {"snapshot": "monday"}, kept=True),
    "protect": Case("gold", {"every": "daily"}),
    "rdm-add": Case(
        "payroll",
        {"name": "oracle", "size": 64 * MIB, "profile": "shared"},
        power=True,
        idle=frozenset({"VirtualMachine.Config.AddRemoveDevice"}),
    ),
    "rdm-remove": Case("payroll", {"delete_volume": True}, power=True, raw=True),
    "reclaim": Case("gold", {"automatic": "low"}),
    "rescan": Case(CLUSTER),
    "apply-host-settings": Case(CLUSTER, {"rules": []}, idle=frozenset({"Host.Config.DateTime"})),
}
# The service account does `sync-profiles`, whoever asks.
FLOWS = [each for each in DECLARED if each.steps and each.id != "sync-profiles"]


@pytest.fixture(scope="module")
def array() -> Iterator[Array]:
    with live_array() as running:
        yield running


def section(title: str) -> str:
    """Of the manual, up to the next title."""
    return re.split(r"\n#+ ", MANUAL.partition(f" {title}\n")[2])[0]


def named(text: str) -> Iterator[str]:
    """The privileges in a text. `.Word` is of the group of the one before it; `snapshot` stands for that action's."""
    before = ""
    for each in _NAMED.findall(text):
        if "." not in each:
            yield from documented(each)
            continue
        before = f"{before.rpartition('.')[0]}{each}" if each.startswith(".") else each
        yield before


def documented(action: str) -> frozenset[str]:
    """What the manual says that an action needs."""
    for row in section("Whose rights count").splitlines():
        cells = [each.strip() for each in row.strip("|").split("|")]
        if f"`{action}`" in cells[0] and len(cells) == 3:
            more = section("Settings of hosts") if "(#settings-of-hosts)" in cells[2] else ""
            kinds = " ".join(line.split("|")[3] for line in more.splitlines() if line.startswith("| `"))
            return frozenset(named(f"{cells[1]} {cells[2]} {kinds}"))
    raise AssertionError(f"the manual has no row for {action}")


def role(action: str) -> Role:
    """That of a person who may do this and nothing else."""
    tasks = re.findall(r"`(Task\.\w+)`", section("Whose rights count"))
    return Role("As the manual says", tuple(sorted({*documented(action), *tasks})))


def furnish(site: ActionSite, case: Case) -> Mapping[str, Any]:
    """What the action is done to; the input that it is done with."""
    given: dict[str, Any] = {"name": "gold", "size": 2 * GIB, "profile": "shared"}
    by_root(site, "provision", CLUSTER, **given, **({"hosts": list(case.hosts)} if case.hosts else {}))
    made = None if case.power is None else machine(site, "payroll")
    if case.kept:
        by_root(site, "snapshot", "gold", name="monday")
    if made is not None and not case.power:
        made.power("poweredOff")
    if case.on == CLUSTER:
        spoil(site)
    if case.raw:
        added = by_root(site, "rdm-add", "payroll", name="oracle", size=64 * MIB, profile="shared")
        return {**case.given, "disk": added["disk"]}
    return case.given


def by_root(site: ActionSite, action: str, on: str, **given: Any) -> Mapping[str, Any]:
    found = site.act(action, on, site.root, **given)
    assert found.state == "done", found.error
    return found.result


def standing(site: ActionSite) -> Mapping[str, Any]:
    """The state, with the disks that machines have."""
    disks = {
        each.name: [(disk.key, disk.unitNumber, disk.backing.fileName) for disk in each.disks()]
        for each in site.vc.model.every(VirtualMachine)
    }
    return {**state(site), "disks": disks}


def last_undone(declared: Declared) -> str:
    """The last step that there is a way back from."""
    names = list(declared.steps)
    return names[(names.index(declared.pivot) if declared.pivot else len(names)) - 1]


def without(site: ActionSite, wanted: Role, privilege: str | None) -> None:
    """The person loses a privilege, or has all of the role again."""
    rights = site.vc.rights
    number = next(each.id for each in rights.roles.values() if each.name == wanted.name)
    rights.roles[number] = Granted(number, wanted.name, frozenset(wanted.privileges) - {privilege} | READ)
    rights.changed()


@pytest.mark.parametrize("declared", FLOWS, ids=lambda each: each.id)
def test_what_the_manual_names_is_enough_to_fail_late_and_to_succeed(array: Array, declared: Declared) -> None:
    case, wanted = CASES[declared.id], role(declared.id)
    with action_site(array, role=wanted) as site:
        given = furnish(site, case)
        before = standing(site)
        with site.failing(declared.kind, last_undone(declared)):
            failed = site.act(declared.id, case.on, **given)
        assert (failed.state, message(failed)) == ("failed", "The step was told to fail.")
        assert standing(site) == before
        ended = site.act(declared.id, case.on, **given)
        assert ended.state == "done", ended.error


@pytest.mark.parametrize("declared", FLOWS, ids=lambda each: each.id)
def test_each_right_that_the_manual_names_is_asked_for_before_anything_begins(array: Array, declared: Declared) -> None:
    case, wanted = CASES[declared.id], role(declared.id)
    of_vcenter = {each for each in documented(declared.id) if not each.startswith("Isthmus.")}
    assert of_vcenter <= set(SERVICE_ACCOUNT)
    with action_site(array, role=wanted) as site:
        given = furnish(site, case)
        before = standing(site)
        for privilege in sorted(of_vcenter - case.idle):
            without(site, wanted, privilege)
            with pytest.raises(Forbidden, match=re.escape(f"You lack {privilege}")):
                site.begin(declared.id, case.on, **given)
        without(site, wanted, None)
        assert standing(site) == before
        assert site.catalogue.check("vsphere", declared.id, site.call(case.on)) is None
