"""Machines on a site's datastores, as files on the volume behind them; and an array whose images have snapshots while
hosts write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.environment import iscsi
from tests.integration.vcenter_simulator import array as arrays
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import GIB, ActionSite
from tests.integration.vsphere.conftest import ANNA
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.rights import NO_ACCESS, Permission, principal
from tests.simulators.vcenter.storage import libiscsi

CLUSTER = "cluster-1"
MIB = 1 << 20


@contextmanager
def live_array() -> Iterator[Array]:
    """One of qcow2 images."""
    if reason := iscsi.missing() or libiscsi.missing():
        pytest.skip(reason)
    with arrays.array("qcow2") as running:
        yield running


def datastore(site: ActionSite, name: str = "gold") -> str:
    """A datastore on all hosts; the id of its volume."""
    return str(site.done("provision", CLUSTER, name=name, size=2 * GIB, profile="shared")["volume"])


def machine(site: ActionSite, name: str, *, on: bool = True, host: int = 0, store: str = "gold") -> VirtualMachine:
    """A machine whose files are on the datastore's volume."""
    place = site.vc.named(store)
    made = VirtualMachine(site.vc, name, site.hosts()[host], place, (MIB,))
    for each in made.written():
        each.save()
    made.guest_writes("fresh")
    if on:
        made.power("poweredOn")
    return made


def found(site: ActionSite, name: str) -> VirtualMachine:
    """The machine of that name in the inventory."""
    (only,) = [each for each in site.vc.model.every(VirtualMachine) if each.name == name]
    return only


def hidden(site: ActionSite, made: VirtualMachine) -> None:
    """Anna may not see the machine any more."""
    site.vc.rights.permit(made, Permission(principal(ANNA.name), False, NO_ACCESS, True))


def points(made: VirtualMachine) -> list[str]:
    """The names of its snapshots."""
    return [each.name for each in made.snapshots]


def state(site: ActionSite) -> Mapping[str, Any]:
    """The site's footprint, with what an operation that was undone must leave of machines and attachments too. These
    may be others than before, to the same hosts."""
    engine, root = site.array.engine, site.root
    machines = {
        each.name: (
            each.get("config.files.vmPathName"),
            each.get("runtime.host")._moId,
            each.get("runtime.powerState"),
            points(each),
            bool(each.get("runtime.consolidationNeeded")),
            each.guest_reads(),
        )
        for each in site.vc.model.every(VirtualMachine)
        if each.name != "vm-001"
    }
    stores = {
        each.name: [
            (mount.key._moId, mount.mountInfo.mounted, mount.mountInfo.accessible) for mount in each.get("host")
        ]
        for each in [site.vc.named(name) for name in site.footprint()["datastores"]]
    }
    attached = sorted((each.volume, each.host) for each in engine.attachments.list(root).items)
    return {**site.footprint(), "attachments": attached, "machines": machines, "mounts": stores}
