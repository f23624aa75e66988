"""A dry run of what changes registrations says what would change, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.vsphere.conftest import ADMINISTRATOR, Installation, extension, specification
from tests.simulators.vcenter import VCenter, issue

pytestmark = pytest.mark.server


def planned(installation: Installation, action: str, **given: Any) -> dict[str, Any]:
    """What a dry run of the action answers."""
    address = f"{installation.server.address}/v1/actions/vsphere/{action}?dry_run=true"
    answer = installation.client.post(address, json={"input": given}, timeout=60)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["plan"]
    return found


def test_of_an_upgrade_it_says_what_of_the_registration_would_be_another(
    installation: Installation, vc: VCenter
) -> None:
    installation.register(vc)
    (found,) = planned(installation, "upgrade", vcenter=vc.guid)["vcenters"]
    assert found["changes"] == [] and found["registered"] == found["version"]
    extension(vc).version = "0.0.1"
    following = issue()
    (found,) = planned(installation, "upgrade", vcenter=vc.guid, next_certificate=following.pem)["vcenters"]
    assert any("version 0.0.1" in each for each in found["changes"]) and found["registered"] == "0.0.1"
    assert "another certificate to follow" in found["changes"]
    assert extension(vc).version == "0.0.1"
    installation.done("unregister", vcenter=vc.guid)


def test_of_an_upgrade_of_all_it_tells_of_those_that_are_dead(installation: Installation, vc: VCenter) -> None:
    with VCenter(specification()) as other:
        installation.register(vc)
        installation.register(other)
        vc.die()
        found = {each["guid"]: each for each in planned(installation, "upgrade")["vcenters"]}
        assert "cannot be reached" in found[vc.guid]["error"]["message"]
        assert found[other.guid]["changes"] == []
        installation.done("unregister", vcenter=vc.guid, forget=True)
        installation.done("unregister", vcenter=other.guid)


def test_of_leaving_it_says_what_is_there_and_leaves_it(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    where = f"127.0.0.1:{vc.port}"
    expected = {"vcenter": where, "registered": True, "known": True}
    assert planned(installation, "unregister", vcenter=where) == expected
    assert extension(vc) is not None
    installation.done("unregister", vcenter=where)
    login = {"user": ADMINISTRATOR.name, "password": ADMINISTRATOR.password, "pin": vc.certificate.thumbprint}
    gone = planned(installation, "unregister", vcenter=where, **login)
    assert gone == {"vcenter": where, "registered": False, "known": False}


def test_of_leaving_a_dead_vcenter_it_says_that_it_is_dead(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    vc.die()
    found = planned(installation, "unregister", vcenter=vc.guid, forget=True)
    assert found["registered"] is None and "cannot be reached" in found["left_behind"]
    installation.done("unregister", vcenter=vc.guid, forget=True)


def test_of_the_doctor_it_repairs_nothing(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    extension(vc).version = "0.0.1"
    (found,) = planned(installation, "doctor", vcenter=vc.guid, repair=True)["vcenters"]
    assert found["repaired"] == [] and extension(vc).version == "0.0.1"
    installation.done("unregister", vcenter=vc.guid)
