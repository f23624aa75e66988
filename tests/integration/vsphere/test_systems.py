"""Storage systems are added, tested, changed and removed by those who may; nothing is told as done that was not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.environment.server import RunningServer, running_server, until
from tests.integration.vsphere.conftest import ANNA, KEY, Installation, specification
from tests.integration.vsphere.test_faces import command
from tests.simulators.vcenter import Grant, Role, User, VCenter

pytestmark = pytest.mark.server

ACTIONS = ("system-add", "system-edit", "system-remove", "system-test")
KEEPERS = Role("Storage keepers", ("Isthmus.Administer",))
MANAGERS = Role("Storage managers", ("Isthmus.Manage",))


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("far")) as server:
        yield server


@pytest.fixture
def name(installation: Installation, request: pytest.FixtureRequest) -> Iterator[str]:
    """A name that no system has, nor has afterwards."""
    chosen = f"far-{abs(hash(request.node.name)) % 10**8}"
    yield chosen
    for each in systems(installation):
        if each["name"] != "local":
            installation.client.delete(f"{installation.server.address}/v1/systems/{each['id']}", timeout=20)


def wanted(far: RunningServer, name: str, **more: Any) -> dict[str, Any]:
    assert far.ca is not None
    return {
        "name": name, "adapter": "remote", "address": far.address, "token": far.token, "ca": far.ca.read_text(),
        "tenant": "default", **more,
    }  # fmt: skip


def systems(installation: Installation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = installation.client.get(
        f"{installation.server.address}/v1/systems", timeout=20
    ).json()["items"]
    return found


def one(installation: Installation, name: str) -> dict[str, Any] | None:
    return next((each for each in systems(installation) if each["name"] == name), None)


def refused(answer: requests.Response, status: int, said: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, answer.text
    assert said in body["detail"], body
    return body


def invoke(installation: Installation, action: str, given: dict[str, Any], **query: str) -> requests.Response:
    key = query.pop("key", None)
    return installation.client.post(
        f"{installation.server.address}/v1/actions/vsphere/{action}",
        json={"input": given},
        params=query,
        headers={"Idempotency-Key": key} if key else {},
        timeout=60,
    )


def test_the_form_has_the_settings_of_every_adapter_that_is_installed(installation: Installation) -> None:
    actions = installation.client.get(f"{installation.server.address}/v1/actions", timeout=20).json()["items"]
    found = {each["id"]: each for each in actions if each["plugin"] == "vsphere"}
    assert set(ACTIONS) <= found.keys()
    fields = found["system-add"]["input"]["properties"]
    assert fields["adapter"]["enum"] == ["remote", "swordfish"]
    assert fields["token"]["writeOnly"] and fields["token"]["x-for"] == {"adapter": ["remote"]}
    assert fields["password"]["writeOnly"] and fields["password"]["x-for"] == {"adapter": ["remote", "swordfish"]}
    assert fields["chap_key"]["x-for"] == {"adapter": ["swordfish"]}
    assert fields["ca"]["contentMediaType"] == "application/x-pem-file"


def test_a_system_is_added_once_it_has_answered(installation: Installation, far: RunningServer, name: str) -> None:
    result = installation.done("system-add", **wanted(far, name))
    assert result["system"]["name"] == name and result["system"]["health"] == "healthy"
    assert "volumes" in result["offers"]
    known = one(installation, name)
    assert known is not None and known["address"] == far.address and known["settings"]["tenant"] == "default"
    assert far.token not in str(known) and far.token not in str(result)
    assert far.token not in installation.server.log.read_text()


def test_a_rehearsal_asks_it_and_adds_nothing(installation: Installation, far: RunningServer, name: str) -> None:
    answer = invoke(installation, "system-add", wanted(far, name), dry_run="true")
    assert answer.status_code == 200 and "volumes" in answer.json()["plan"]["offers"]
    assert one(installation, name) is None


def test_the_same_key_adds_one_system(installation: Installation, far: RunningServer, name: str) -> None:
    first = invoke(installation, "system-add", wanted(far, name), key=name).json()["result"]["system"]["id"]
    again = invoke(installation, "system-add", wanted(far, name), key=name)
    assert again.status_code == 200 and again.json()["result"]["system"]["id"] == first
    assert [each["id"] for each in systems(installation) if each["name"] == name] == [first]
    body = refused(invoke(installation, "system-add", wanted(far, name)), 409, f"There is a storage system {name}")
    assert body["next_step"] == "Choose another name, or change that one."


@pytest.mark.parametrize(
    ("wrong", "status", "said", "cure"),
    [
        ({"address": "https://127.0.0.1:1"}, 503, "did not pass the test", "Check its address"),
        ({"token": "isth_wrong-token-of-nobody"}, 409, "cannot be used as it is configured", "Check token"),
        ({"address": "ftp://127.0.0.1"}, 400, "cannot be configured so", "Correct what is entered"),
        ({"adapter": "swordfish"}, 400, "has no setting", "Leave it empty"),
        ({"adapter": "telepathy"}, 400, "does not fit", ""),
    ],
    ids=["unreachable", "credential", "address", "another-adapters-setting", "no-adapter"],
)
def test_what_cannot_be_used_is_not_added_and_says_why(
    installation: Installation, far: RunningServer, name: str, wrong: dict[str, Any], status: int, said: str, cure: str
) -> None:
    given = {**wanted(far, name), **wrong}
    body = refused(invoke(installation, "system-add", given), status, said)
    assert cure in body.get("next_step", "")
    assert far.token not in str(body) and "wrong-token" not in str(body)
    assert one(installation, name) is None


def test_what_is_left_out_of_a_change_stays(installation: Installation, far: RunningServer, name: str) -> None:
    installation.done("system-add", **wanted(far, name))
    result = installation.done("system-edit", system=name, name=f"{name}-new")
    assert result["system"]["name"] == f"{name}-new" and result["system"]["health"] == "healthy"
    known = one(installation, f"{name}-new")
    assert known is not None and known["settings"].keys() == {"ca", "tenant"}
    installation.done("system-edit", system=known["id"], clear=["tenant"])
    known = one(installation, f"{name}-new")
    assert known is not None and known["settings"].keys() == {"ca"}
    assert installation.done("system-test", system=known["id"])["system"]["health"] == "healthy"


def test_a_rehearsal_of_a_change_names_what_would_be_another_and_no_secret(
    installation: Installation, far: RunningServer, name: str
) -> None:
    installation.done("system-add", **wanted(far, name))
    before = one(installation, name)
    given = {"system": name, "name": f"{name}-new", "token": far.token, "tenant": "default", "clear": ["ca"]}
    answer = invoke(installation, "system-edit", given, dry_run="true")
    assert answer.status_code == 200 and far.token not in answer.text
    assert answer.json()["plan"]["changes"] == {"name": f"{name}-new", "secrets": ["token"], "clear": ["ca"]}
    assert one(installation, name) == before


def test_a_change_that_would_not_work_changes_nothing(
    installation: Installation, far: RunningServer, name: str
) -> None:
    installation.done("system-add", **wanted(far, name))
    before = one(installation, name)
    answer = installation.act("system-edit", system=name, token="isth_wrong-token-of-nobody")
    refused(answer, 409, "cannot be used as it is configured")
    elsewhere = {"system": name, "address": "https://127.0.0.1:1"}
    refused(installation.act("system-edit", **elsewhere, token=far.token), 503, "did not pass the test")
    refused(installation.act("system-edit", **elsewhere), 400, "not sent to another address")
    assert one(installation, name) == before
    assert installation.act("system-test", system=name).status_code == 200, "the former credential is still there"


def test_a_disabled_system_is_not_asked(installation: Installation, far: RunningServer, name: str) -> None:
    installation.done("system-add", **wanted(far, name))
    assert installation.done("system-edit", system=name, enabled=False)["system"]["state"] == "disabled"
    assert installation.done("system-edit", system=name, enabled=True)["system"]["health"] == "healthy"


def test_a_test_that_fails_is_no_success(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    with running_server(tmp_path_factory.mktemp("mortal")) as mortal:
        installation.done("system-add", **wanted(mortal, name))
    body = refused(installation.act("system-test", system=name), 503, f"The storage system {name} did not pass")
    assert "Check its address" in body["next_step"]
    until(lambda: (one(installation, name) or {})["health"] == "failed")


def test_a_system_is_forgotten_once(installation: Installation, far: RunningServer, name: str) -> None:
    installation.done("system-add", **wanted(far, name))
    removed = invoke(installation, "system-remove", {"system": name}, key=f"{name}-remove")
    assert removed.json()["result"] == {"system": name, "removed": True}
    again = invoke(installation, "system-remove", {"system": name}, key=f"{name}-remove")
    assert again.status_code == 200 and again.json()["result"] == {"system": name, "removed": False}
    refused(installation.act("system-remove", system=name), 404, f"There is no storage system {name}.")


def test_this_installation_is_neither_changed_nor_removed(installation: Installation) -> None:
    for action in ("system-edit", "system-remove"):
        refused(installation.act(action, system="local"), 409, "is this installation itself")
    assert installation.done("system-test", system="local")["system"]["product"].startswith("Isthmus")


def test_the_command_asks_for_secrets_and_takes_none_as_words(
    installation: Installation, far: RunningServer, name: str
) -> None:
    shown = command(installation, "system-add", "--help").stdout
    assert "--token-file" in shown and "--address" in shown and "[remote|swordfish]" in shown
    assert far.ca is not None
    words = ("system-add", "--name", name, "--adapter", "remote", "--address", far.address, "--ca", str(far.ca))
    made = command(installation, *words, "--tenant", "default", "--token", typed=f"{far.token}\n")
    assert made.returncode == 0, made.stderr
    assert far.token not in made.stdout and one(installation, name) is not None
    assert command(installation, "system-remove", "--system", name).returncode == 0
    assert one(installation, name) is None


@contextmanager
def keeper(installation: Installation, role: Role, **given: Any) -> Iterator[tuple[VCenter, requests.Session]]:
    """Anna with the role at a vCenter that is registered so, as the vSphere Client sends her."""
    spec = specification(roles=(KEEPERS, MANAGERS))
    anna = User(ANNA.name, ANNA.password, (Grant(role.name),))
    users = tuple(anna if each.name == anna.name else each for each in spec.users)
    with VCenter(type(spec)(users=users, roles=spec.roles)) as vc, installation.server.session() as client:
        installation.register(vc, **given)
        token = vc.interface_sessions.open(anna.name, anna.password, KEY)
        client.headers.update({"vmware-api-session-id": token, "vmware-api-gateway-url": vc.url})
        del client.headers["Authorization"]
        yield vc, client


def ui(installation: Installation, vc: VCenter, client: requests.Session, path: str, body: Any = None) -> Any:
    return client.request(
        "GET" if body is None else "POST",
        f"{installation.server.address}/vsphere/ui/api/{path}",
        params={"vcenter": vc.guid, "locale": "de-DE"},
        json=body,
        timeout=60,
    )


def standing(installation: Installation, vc: VCenter, client: requests.Session) -> dict[str, dict[str, Any]]:
    """What the pages offer that is done to nothing in particular."""
    answer = ui(installation, vc, client, "actions")
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["items"]}


def test_a_vcenters_administrators_manage_systems_where_it_was_registered_for_that(
    installation: Installation, far: RunningServer, name: str
) -> None:
    with keeper(installation, KEEPERS, administrators=True) as (vc, client):
        found = standing(installation, vc, client)
        assert set(ACTIONS) == found.keys(), "passwords of vCenters are not asked for in their pages"
        assert all(each["available"] for each in found.values())
        made = ui(installation, vc, client, "actions/system-add", {"input": wanted(far, name), "key": name})
        assert made.status_code == 200, made.text
        assert one(installation, name) is not None
        choices = ui(installation, vc, client, "actions/system-edit/choices/system", {"input": {}}).json()["items"]
        assert {"local", name} <= {each["title"] for each in choices}
        page = ui(installation, vc, client, "views/systems").json()
        (table,) = [each for each in page["blocks"] if each["type"] == "table"]
        assert table["actions"] == ["system-add"]
        (row,) = [each for each in table["rows"] if each["cells"]["name"]["value"] == name]
        assert row["actions"] == ["system-test", "system-edit", "system-remove"]
        gone = ui(installation, vc, client, "actions/system-remove", {"input": row["given"], "key": f"{name}-r"})
        assert gone.json()["result"]["removed"] is True


def test_who_administers_is_an_administrator_at_the_whole_vcenter_and_not_before_one_object(
    installation: Installation,
) -> None:
    with keeper(installation, KEEPERS, administrators=True) as (vc, client):
        here = {"object": f"urn:vmomi:Datastore:{vc.named('datastore-001').moid}:{vc.guid}"}
        where = f"{installation.server.address}/vsphere/ui/api"
        assert ui(installation, vc, client, "session").json()["role"] == "admin"
        assert client.get(f"{where}/session", params=here, timeout=30).json()["role"] == "manager"
        # Pages of the whole vCenter are not shown by way of an object in it.
        assert client.get(f"{where}/views/systems", params=here, timeout=30).status_code == 404


@pytest.mark.parametrize(
    ("role", "given", "said"),
    [
        (KEEPERS, {}, "verwalten die Administratoren von Isthmus"),
        (KEEPERS, {"administrators": False}, "verwalten die Administratoren von Isthmus"),
        (MANAGERS, {"administrators": True}, "Isthmus.Administer"),
    ],
    ids=["by-default", "not-allowed", "without-the-privilege"],
)
def test_nobody_else_does_and_is_told_why(
    installation: Installation, far: RunningServer, name: str, role: Role, given: dict[str, Any], said: str
) -> None:
    with keeper(installation, role, **given) as (vc, client):
        found = standing(installation, vc, client)
        assert not any(found[each]["available"] for each in ACTIONS)
        assert all(said in found[each]["reason"] for each in ACTIONS), found
        made = ui(installation, vc, client, "actions/system-add", {"input": wanted(far, name), "key": name})
        assert made.status_code == 403
        assert one(installation, name) is None
        page = ui(installation, vc, client, "views/systems").json()
        (table,) = [each for each in page["blocks"] if each["type"] == "table"]
        assert table["actions"] == [] and not any(each["actions"] for each in table["rows"])


def test_it_is_given_to_one_vcenter_at_a_time_and_taken_back(installation: Installation) -> None:
    refused(installation.act("upgrade", administrators=True), 400, "said one by one")
    with keeper(installation, KEEPERS, administrators=True) as (vc, client):
        where = f"127.0.0.1:{vc.port}"
        installation.done("upgrade", vcenter=where)
        assert standing(installation, vc, client)["system-add"]["available"], "an upgrade leaves it as it is"
        installation.done("upgrade", vcenter=where, administrators=False)
        until(lambda: not standing(installation, vc, client)["system-add"]["available"])
        (listed,) = [each for each in installation.done("vcenters")["vcenters"] if each["guid"] == vc.guid]
        assert listed["administrators"] is False
