"""All that the plug-in's pages need, real but for the vCenter and its client: a server in processes of its own, a back
end of files that are exported over iSCSI, a simulated vCenter whose hosts log in there, the plug-in registered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.clients import INITIATOR, connect
from tests.chaos.depth import Site as Isthmus
from tests.environment import iscsi
from tests.simulators.vcenter import User, VCenter
from tests.simulators.vcenter.objects.datastore import Datastore
from tests.simulators.vcenter.objects.host_system import HostSystem
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.storage import libiscsi

from .people import ADMINISTRATOR, SERVICE, specification
from .shell import Shell

KEY = "io.isthmus.storage"
PROFILE = "Gold"
_GOLD = {
    "provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi"}},
    "customProperties": {"capabilities:multiAttach": "<is> true"},
}


def missing() -> str:
    """Why there can be no site here; empty when there can."""
    return iscsi.missing() or libiscsi.missing()


@dataclass
class Site:
    """`isthmus` is the server (REST as its administrator), `vc` the vCenter, `shell` its client."""

    isthmus: Isthmus
    vc: VCenter
    shell: Shell

    def datastores(self) -> list[str]:
        """Their names, as vCenter knows them."""
        return sorted(each.name for each in self.vc.model.every(Datastore))

    def volumes(self) -> list[Any]:
        """Those of Isthmus."""
        found: list[Any] = self.isthmus.call("GET", "volumes")["items"]
        return found

    def machine(self, name: str, store: str) -> VirtualMachine:
        """A new machine on a datastore, with one small disk; it is off."""
        host = self.vc.model.every(HostSystem)[0]
        made = VirtualMachine(self.vc, name, host, self.vc.named(store), (64 << 20,))
        made.written()
        return made

    def machines_on(self, store: str) -> list[VirtualMachine]:
        """The machines whose files are on a datastore."""
        return [each for each in self.vc.model.every(VirtualMachine) if each.home is self.vc.named(store)]

    def reads(self, volume: str, length: int = 8 << 20) -> bytes:
        """The beginning of a volume, as another host reads it that logs in to its LUN."""
        wanted = {"name": "reader", "initiators": [{"protocol": "iscsi", "name": INITIATOR}]}
        known = {each["name"]: each["id"] for each in self.isthmus.call("GET", "hosts")["items"]}
        host = known.get("reader") or self.isthmus.call("POST", "hosts", wanted)["id"]
        attachment = self.isthmus.do("POST", "attachments", {"volume": volume, "host": host})["attachment"]
        try:
            with closing(connect(self.isthmus.connection(attachment))) as session:
                return b"".join(session.read(at, 1 << 20) for at in range(0, length, 1 << 20))
        finally:
            self.isthmus.do("DELETE", f"attachments/{attachment}")

    def act(self, action: str, on: str, **given: Any) -> Any:
        """Use an action of the plug-in as the administrator of Isthmus, and wait for its end."""
        kind = self.vc.named(on).ref._wsdlName
        body = {"subject": {"kind": kind, "id": self.shell.urn(on)}, "input": given}
        return self.isthmus.do("POST", f"actions/vsphere/{action}", body)

    def register(self) -> None:
        """The way an administrator does it, on the command line; people of the vCenter may administer systems."""
        secret = self.isthmus.folder / "service-password"
        secret.touch(0o600)
        secret.write_text(f"{SERVICE.password}\n")
        self._command(
            "register", "--vcenter", f"127.0.0.1:{self.vc.port}", "--pin", self.vc.certificate.thumbprint,
            "--user", ADMINISTRATOR.name, "--service-user", SERVICE.name, "--service-password-file", str(secret),
            "--administrators", typed=ADMINISTRATOR,
        )  # fmt: skip

    def _command(self, *words: str, typed: User) -> None:
        server = self.isthmus.server
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ISTHMUS_")},
            "ISTHMUS_ADDRESS": server.address,
            "ISTHMUS_CA": str(server.ca),
            "ISTHMUS_TOKEN": server.token,
            "ISTHMUS_TENANT": "default",
        }
        line = [sys.executable, "-m", "isthmus", "vsphere", *words]
        done = subprocess.run(
            line, input=f"{typed.password}\n", env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def site(*, port: int = 0) -> Iterator[Site]:
    """All of it, running; `port` of the client (0: any that is free). Afterwards nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="isthmus-browser-", dir="/var/tmp"))
    isthmus = Isthmus(folder)
    with VCenter(specification()) as vc:
        try:
            isthmus.start()
            settings = {"directory": str(folder / "files")}
            isthmus.call("POST", "backends", {"name": "files", "driver": "file", "settings": settings})
            isthmus.call("POST", "profiles", {"name": PROFILE, "properties": _GOLD})
            with Shell([vc], KEY, port=port) as shell:
                made = Site(isthmus, vc, shell)
                made.register()
                yield made
        finally:
            isthmus.close()
            shutil.rmtree(folder, ignore_errors=True)
