"""Whoever follows the deltas knows what whoever reads everything knows."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.vcenter import Specification, VCenter, client, issue, sized, values
from tests.simulators.vcenter.objects.datastore import Datastore, nas_info
from tests.simulators.vcenter.objects.host_system import HostSystem
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.registry import property_of, vim, vmodl

Collector = vmodl.query.PropertyCollector
WANTED = {
    vim.Datastore: ["name", "summary", "host", "vm", "info.freeSpace", "customValue"],
    vim.VirtualMachine: ["name", "config.hardware.device", "runtime.powerState", "datastore"],
    vim.HostSystem: ["name", "runtime", "datastore", "vm"],
}


class Follower:
    """Keeps what a client knows, from updates alone."""

    def __init__(self, service: Any, partial: bool, most: int | None) -> None:
        self._collector = service.content.propertyCollector.CreatePropertyCollector()
        self._collector.CreateFilter(client.view_spec(client.view(service, *WANTED), WANTED), partial)
        self._options = Collector.WaitOptions(maxWaitSeconds=0, maxObjectUpdates=most)
        self._version = ""
        self.known: dict[str, dict[str, Any]] = {}

    def follow(self) -> None:
        """Take in all there is."""
        while (update := self._collector.WaitForUpdatesEx(self._version, self._options)) is not None:
            self._version = update.version
            for filtered in update.filterSet:
                for each in filtered.objectSet:
                    self._take(each)

    def _take(self, update: Any) -> None:
        moid = update.obj._moId
        if update.kind == "leave":
            del self.known[moid]
            return
        if update.kind == "enter":
            assert moid not in self.known
            self.known[moid] = {}
        for change in update.changeSet:
            path = max((each for each in WANTED[type(update.obj)] if change.name.startswith(each)), key=len)
            rest = values.segments(f"x{change.name[len(path) :]}")[1:]
            whole = applied(self.known[moid].get(path), rest, change)
            if whole is None:
                self.known[moid].pop(path, None)
            else:
                self.known[moid][path] = whole


def applied(whole: Any, steps: Any, change: Any) -> Any:
    """A value after a change, as a client would make it of what it knew."""
    if not steps:
        return change.val
    step, rest = steps[0], steps[1:]
    if not step.is_key:
        changed = copy.copy(whole)
        part = applied(getattr(whole, step.name), rest, change)
        info = property_of(type(whole), step.name)
        assert info is not None
        setattr(changed, step.name, info.type() if part is None and issubclass(info.type, list) else part)
        return changed
    items = list(whole or [])
    places = [at for at, each in enumerate(items) if str(each.key) == step.name]
    if change.op == "add" and not rest:
        assert not places
        items.append(change.val)
    elif change.op == "remove" and not rest:
        del items[places[0]]
    else:
        items[places[0]] = applied(items[places[0]], rest, change)
    return items


def changes(vc: VCenter, draw: Any) -> None:
    """One change of the inventory."""
    stores, machines, hosts = (vc.model.every(kind) for kind in (Datastore, VirtualMachine, HostSystem))
    kind = draw(st.sampled_from(["size", "name", "disk", "power", "mount", "new", "gone", "field", "host", "grow"]))
    machine = draw(st.sampled_from(machines))
    store = draw(st.sampled_from(stores))
    host = draw(st.sampled_from(hosts))
    number = draw(st.integers(0, 5))
    if kind == "size":
        store.resize(1 << 40, number)
    elif kind == "name":
        store.set("name", f"name-{number}")
    elif kind == "disk":
        path = "config.hardware.device"
        if machine.get(f"{path}[{2000 + number}]") is None:
            machine.extend(path, machine.disk(number, 1 << 30, store))
        else:
            machine.discard(path, machine.get(f"{path}[{2000 + number}]"))
    elif kind == "grow" and machine.get("config.hardware.device[2000]") is not None:
        machine.set("config.hardware.device[2000].capacityInBytes", number << 30)
    elif kind == "power":
        machine.power("poweredOff" if machine.powered_on else "poweredOn")
    elif kind == "mount":
        if store.mount_of(host) is None:
            store.mount_on([host])
        else:
            host.unmount(store)
    elif kind == "new":
        info = nas_info(f"nfs-{number}", 1, 1, host="nas", path=f"/{number}")
        Datastore(vc, f"nfs-{number}", vc.named("Datacenter"), info, 1, 1).mount_on([host])
    elif kind == "gone" and not store.get("vm"):
        store.destroy()
    elif kind == "field":
        vc.custom_fields.set_by_name(store, "profile", draw(st.sampled_from(["", "gold", "silver"])))
    elif kind == "host":
        host.set_connection(draw(st.sampled_from(["connected", "notResponding"])))
        host.set_connection("connected")


CERTIFICATE = issue()


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(data=st.data(), partial=st.booleans(), most=st.sampled_from([None, 1, 3]))
def test_deltas_add_up_to_a_full_read(data: st.DataObject, partial: bool, most: int | None) -> None:
    with VCenter(Specification(datacenters=(sized(2, 3, 3),)), certificate=CERTIFICATE) as vc:
        service = client.connect(vc)
        service.content.customFieldsManager.AddCustomFieldDef("profile", vim.Datastore, None, None)
        follower = Follower(service, partial, most)
        follower.follow()
        for _ in range(data.draw(st.integers(1, 6))):
            with vc.model.change():
                for _ in range(data.draw(st.integers(1, 3))):
                    changes(vc, data.draw)
            if data.draw(st.booleans()):
                follower.follow()
        follower.follow()
        fresh = client.read(service, client.view_spec(client.view(service, *WANTED), WANTED))
    assert follower.known.keys() == fresh.keys()
    for moid, expected in fresh.items():
        assert follower.known[moid].keys() == expected.keys()
        for path, value in expected.items():
            assert values.same(plain(follower.known[moid][path]), plain(value)), (moid, path)


def plain(value: Any) -> Any:
    """Lists and arrays of the same elements alike."""
    return list(value) if isinstance(value, list) else value
