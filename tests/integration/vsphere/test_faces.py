"""The plug-in from outside: through the command line, and as the vSphere Client meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment.server import running_server, until
from tests.integration.vsphere.conftest import (
    ADMINISTRATOR,
    ANNA,
    KEY,
    SERVICE,
    Installation,
    extension,
    registration,
    specification,
)
from tests.simulators.vcenter import Grant, Role, User, VCenter

pytestmark = pytest.mark.server


def command(installation: Installation, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """`isthmus vsphere` with the words, as `isthmus` below."""
    return isthmus(installation, "vsphere", *words, typed=typed)


def isthmus(installation: Installation, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """`isthmus` with the words, as an administrator of the default tenant; `typed` comes from standard input."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ISTHMUS_")},
        "ISTHMUS_ADDRESS": installation.server.address,
        "ISTHMUS_CA": str(installation.server.ca),
        "ISTHMUS_TOKEN": installation.server.token,
        "ISTHMUS_TENANT": "default",
    }
    line = [sys.executable, "-m", "isthmus", *words]
    return subprocess.run(line, input=typed, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_registers_examines_and_unregisters(
    installation: Installation, vc: VCenter, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{SERVICE.password}\n")
    where = ("--vcenter", f"127.0.0.1:{vc.port}")
    account = ("--service-user", SERVICE.name, "--service-password-file", str(secret))
    pin = ("--pin", vc.certificate.thumbprint)
    words = ("register", *where, *pin, "--user", ADMINISTRATOR.name, *account)
    made = command(installation, *words, typed=f"{ADMINISTRATOR.password}\n")
    assert made.returncode == 0, made.stderr
    assert extension(vc) is not None
    examined = command(installation, "doctor", *where)
    assert examined.returncode == 0 and "Logged in as" in examined.stdout
    assert vc.guid in command(installation, "vcenters").stdout
    assert command(installation, "unregister", *where).returncode == 0
    assert extension(vc) is None


def test_a_dead_vcenter_is_told_by_every_doctor_and_ends_commands_with_1(
    installation: Installation, vc: VCenter
) -> None:
    with VCenter(specification()) as other:
        installation.register(vc)
        installation.register(other)
        name = f"127.0.0.1:{vc.port}"
        vc.die()
        for action in ("doctor", "upgrade"):
            done = command(installation, action)
            assert done.returncode == 1 and "cannot be reached" in done.stdout and "{" not in done.stdout
            assert command(installation, action, "--vcenter", f"127.0.0.1:{other.port}").returncode == 0
        until(lambda: f"warning vsphere {name}: " in isthmus(installation, "doctor").stdout)
        listed = {each["guid"]: each for each in installation.done("vcenters")["vcenters"]}
        assert "cannot be reached" in listed[vc.guid]["reason"] and not listed[vc.guid]["reachable"]
        assert listed[other.guid]["reachable"] and listed[other.guid]["reason"] == ""
        installation.done("unregister", vcenter=vc.guid, forget=True)
        installation.done("unregister", vcenter=other.guid)
    assert f"vsphere {name}" not in isthmus(installation, "doctor").stdout


def test_a_password_is_no_option_of_the_command(installation: Installation) -> None:
    refused = command(installation, "register", "--vcenter", "vc", "--user", "u", "--password", "Secret-1")
    assert refused.returncode == 2 and "Secret-1" not in refused.stdout


def test_the_client_finds_the_page_with_its_own_policy(installation: Installation) -> None:
    page = installation.client.get(f"{installation.server.address}/vsphere/ui/view/overview.html?locale=de", timeout=10)
    assert page.status_code == 200 and "Isthmus-Speicher" in page.text
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in page.headers
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_the_client_is_told_what_is_shown_without_any_credential_of_ours(installation: Installation) -> None:
    viewers = Role("Viewers", ("Isthmus.View",))
    anna = User(ANNA.name, ANNA.password, (Grant(viewers.name),))
    spec = specification(roles=(viewers,))
    users = tuple(anna if each.name == anna.name else each for each in spec.users)
    with VCenter(type(spec)(users=users, roles=spec.roles)) as vc:
        installation.register(vc)
        token = vc.interface_sessions.open(anna.name, anna.password, KEY)
        target = f"urn:vmomi:Datastore:{vc.named('datastore-001').moid}:{vc.guid}"
        answer = installation.client.post(
            f"{installation.server.address}/vsphere/ui/dynamic/Datastore/menu",
            json={"apiVersion": "1.0.0", "objectIds": [target], "locale": "en-US"},
            headers={"vmware-api-session-id": token, "vmware-api-gateway-url": vc.url, "Authorization": ""},
            timeout=10,
        )
    assert answer.status_code == 200
    items = {each.pop("id"): each for each in answer.json()["items"]}
    greyed = {"visible": False, "relevant": True, "reason": "You need the privilege Isthmus.Provision here."}
    assert items["delete"] == greyed
    assert token not in installation.server.log.read_text()


def test_registrations_are_for_administrators(installation: Installation, vc: VCenter) -> None:
    address = installation.server.address
    with installation.server.session() as admin:
        tenant = admin.post(f"{address}/v1/tenants", json={"name": "keepers"}, timeout=10).json()["id"]
        keeper = {"name": "keeper", "tenant": tenant, "roles": ["manager"]}
        user = admin.post(f"{address}/v1/users", json=keeper, timeout=10).json()["id"]
        made = admin.post(f"{address}/v1/tokens", json={"name": "own", "user": user}, timeout=10).json()
    with installation.server.session(made["token"]) as client:
        manager = Installation(installation.server, client)
        assert manager.act("register", **registration(vc)).status_code == 403
        assert manager.act("doctor").status_code == 403
    assert vc.interference.calls == []


def test_a_server_without_the_library_starts_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "extensions").mkdir()
    (tmp_path / "extensions" / "sitecustomize.py").write_text("import sys\nsys.modules['pyVmomi'] = None\n")
    with running_server(tmp_path) as server, server.session() as client:
        found = client.get(f"{server.address}/v1/extensions", timeout=10).json()["items"]
        (plugin,) = [each for each in found if (each["namespace"], each["name"]) == ("plugins", "vsphere")]
        assert plugin["state"] == "broken" and "pip install 'isthmus[vsphere]'" in plugin["reason"]
        assert client.get(f"{server.address}/vsphere/ui/plugin.json", timeout=10).status_code == 404
        assert client.get(f"{server.address}/v1/volumes", timeout=10).status_code == 200
