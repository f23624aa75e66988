"""The storage of one host: logins to the targets of its adapter, and the disks found behind them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..registry import named_fault, vim
from . import libiscsi
from .adapter import DEVICE, Adapter, Portal, Target
from .description import device_info
from .disk import ACTIVE, APD, DEAD, PDL, Disk, Path, identified
from .libiscsi import CommandFailed, LoginRefused, NoAnswer, Session
from .volumes import HostVolumes

if TYPE_CHECKING:
    from ..objects.host_storage_system import HostStorageSystem
    from ..objects.host_system import HostSystem


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a target could not be used in the last scan. `why`: APD (no answer) or PDL (refused)."""

    why: str
    words: str


class HostStorage:
    """What `HostStorageSystem` and `HostDatastoreSystem` of one host show.

    `lock` is held over everything that asks the targets; who holds the model's lock must not ask for it.
    """

    def __init__(self, host: HostSystem, system: HostStorageSystem) -> None:
        self.host = host
        self.system = system
        self.lock = threading.RLock()
        short = host.name.partition(".")[0]
        mark = hashlib.sha256(f"{host.vc.guid}/{host.moid}".encode()).hexdigest()[:8]
        self.adapter = Adapter(f"iqn.1998-01.com.vmware:{short}-{mark}")
        self.disks: dict[str, Disk] = {}
        self.failures: dict[Target | Portal, Failure] = {}
        # Seconds that a portal has for an answer.
        self.patience = 10
        self.volumes = HostVolumes(self)
        self._sessions: dict[Target, Session] = {}
        self._numbers: dict[str, int] = {}

    def close(self) -> None:
        """Log out everywhere."""
        with self.lock:
            for session in self._sessions.values():
                session.close()
            self._sessions.clear()

    def rescan(self) -> None:
        """Log in wherever it is possible and look for disks. What cannot be reached any more shows it."""
        self.host.demand_connected()
        with self.lock:
            self.failures.clear()
            self._discover()
            targets = list(self.adapter.targets()) if self.adapter.enabled else []
            for target in [each for each in self._sessions if each not in targets]:
                self._sessions.pop(target).close()
            seen: dict[str, Disk] = {}
            for target in targets:
                for disk in self._units(target):
                    if disk.name in seen:
                        seen[disk.name].paths.extend(disk.paths)
                    else:
                        seen[disk.name] = disk
            for name, disk in seen.items():
                self._meet(name, disk)
            for name in [each for each in self.disks if each not in seen]:
                self._miss(self.disks[name], targets)
            self.publish()

    def _discover(self) -> None:
        for portal in self.adapter.sends if self.adapter.enabled else ():
            try:
                found = libiscsi.discover(
                    self.adapter.name, portal.text, self.adapter.credentials(portal), self.patience
                )
            except OSError as error:
                self.failures[portal] = Failure(PDL if isinstance(error, LoginRefused) else APD, str(error))
                continue
            self.adapter.told(portal, [(name, _portal(text)) for name, text in found])

    def _units(self, target: Target) -> list[Disk]:
        """The disks of a target, each with its one path. A session that broke unnoticed is opened anew once."""
        for attempt in (1, 2):
            fresh = target not in self._sessions
            try:
                session = self._session(target)
                return list(self._identify(target, session))
            except NoAnswer as error:
                self._drop(target)
                self.failures[target] = Failure(APD, str(error))
                if fresh or attempt == 2:
                    break
            except (LoginRefused, CommandFailed) as error:
                self._drop(target)
                self.failures[target] = Failure(PDL, str(error))
                break
        return []

    def _session(self, target: Target) -> Session:
        session = self._sessions.get(target)
        if session is None or not session.alive:
            credentials = self.adapter.credentials(target)
            session = Session(self.adapter.name, target.portal.text, target.name, credentials, self.patience)
            self._sessions[target] = session
        self.failures.pop(target, None)
        return session

    def _identify(self, target: Target, session: Session) -> Iterator[Disk]:
        number = self._numbers.setdefault(target.name, len(self._numbers))
        for lun in session.luns():
            with suppress(CommandFailed):
                disk = identified(session, lun)
                if disk is not None:
                    disk.paths.append(Path(target, number, lun, session))
                    yield disk

    def _drop(self, target: Target) -> None:
        session = self._sessions.pop(target, None)
        if session is not None:
            session.close()

    def _meet(self, name: str, disk: Disk) -> None:
        known = self.disks.get(name)
        if known is not None:
            disk.detached, disk.policy, disk.label = known.detached, known.policy, known.label
            disk.played, disk.writes = known.played, known.writes
            for path in disk.paths:
                if any(old.key == path.key and old.state == "disabled" for old in known.paths):
                    path.state = "disabled"
        if disk.played is not None:
            disk.lose(disk.played)
        self.disks[name] = disk

    def _miss(self, disk: Disk, targets: list[Target]) -> None:
        """A disk that was not found: gone for good, or out of reach. One that nothing uses is forgotten when it is gone
        for good."""
        reasons = [
            PDL if path.target not in self.failures else self.failures[path.target].why
            for path in disk.paths
            if path.target in targets
        ]
        disk.lose(APD if APD in reasons else PDL)
        if disk.lost == PDL and not disk.detached and not self.volumes.on(disk.name):
            del self.disks[disk.name]

    def play(self, name: str, why: str | None) -> None:
        """For tests: the host loses a disk (`APD`, `PDL`) whatever its target says, or has it back (None)."""
        with self.lock:
            disk = self.disks[name]
            disk.played = why
            if why is not None:
                disk.lose(why)
            else:
                disk.lost = None
                for path in disk.paths:
                    alive = path.session is not None and path.session.alive
                    path.state = ACTIVE if alive else DEAD
            self.publish()

    def hinder(self, name: str, writes: int | None) -> None:
        """For tests: after so many more writes the disk refuses to write, until None is said."""
        with self.lock:
            self.disks[name].writes = writes

    def publish(self) -> None:
        """Let the inventory show what is known now."""
        vc = self.host.vc
        with self.lock, vc.model.change():
            info = device_info(self.adapter, list(self.disks.values()))
            volumes = self.volumes.described()
            self.system.set("storageDeviceInfo", info)
            self.system.set("fileSystemVolumeInfo", volumes)
            if self.host.get("config") is not None:
                self.host.set("config.storageDevice", info)
                self.host.set("config.fileSystemVolume", volumes)
            self.volumes.publish()

    def disk(self, name: str) -> Disk:
        """By its canonical name or its path on the host. NotFound when there is none."""
        found = self.disks.get(name.rpartition("/")[2])
        if found is None:
            raise named_fault(vim.fault.NotFound(), f"The host {self.host.name} has no disk {name}")
        return found

    def disk_by_uuid(self, uuid: str) -> Disk:
        """NotFound when there is none."""
        for each in self.disks.values():
            if each.uuid == uuid:
                return each
        raise named_fault(vim.fault.NotFound(), f"The host {self.host.name} has no LUN {uuid}")

    def demand_adapter(self, device: str) -> Adapter:
        """NotFound for another adapter than the one there is; HostNotConnected without the host."""
        self.host.demand_connected()
        if device != DEVICE:
            raise named_fault(vim.fault.NotFound(), f"The host {self.host.name} has no iSCSI adapter {device}")
        return self.adapter


def _portal(text: str) -> Portal:
    address, _, port = text.rpartition(":")
    return Portal(address.strip("[]"), int(port))
