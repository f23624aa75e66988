"""Registering with a vCenter: once however often it is asked for, true, explained where it would not load."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from isthmus.plugins.vsphere.vcenters.privileges import PRIVILEGES
from tests.integration.vsphere.conftest import (
    ADMINISTRATOR,
    KEY,
    SERVICE,
    Installation,
    extension,
    registration,
    specification,
)
from tests.simulators.vcenter import VCenter, issue

pytestmark = pytest.mark.server


def levels(findings: list[dict[str, Any]]) -> dict[str, str]:
    return {each["check"]: each["level"] for each in findings}


def test_what_is_registered_is_what_our_server_really_serves(installation: Installation, vc: VCenter) -> None:
    answer = installation.register(vc)
    assert answer["outcome"] == "registered"
    assert set(levels(answer["findings"]).values()) == {"ok"}
    found = extension(vc)
    server = found.server[0]
    assert (server.type, found.client[0].type) == ("MANIFEST_SERVER", "vsphere-client-remote")
    assert server.url == found.client[0].url == f"{installation.server.address}/vsphere/ui/plugin-1.1.0.json"
    assert server.serverThumbprint == answer["pin"]
    assert [each.privID for each in found.privilegeList] == list(PRIVILEGES)
    assert {each.locale for each in found.resourceList} == {"en", "de", "zh_CN"}
    assert installation.client.get(server.url, timeout=10).json()["manifestVersion"] == "1.1.0"


def test_registering_twice_is_registering_once(installation: Installation, vc: VCenter) -> None:
    first = installation.register(vc)
    calls = len(vc.interference.calls)
    second = installation.register(vc)
    assert (second["outcome"], second["guid"]) == ("unchanged", first["guid"])
    assert not {"RegisterExtension", "UpdateExtension"} & set(vc.interference.calls[calls:])
    listed = installation.done("vcenters")["vcenters"]
    assert [each["state"] for each in listed if each["guid"] == vc.guid] == ["registered"]


def test_registering_at_the_same_moment_is_registering_once(installation: Installation, vc: VCenter) -> None:
    for _ in range(3):
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: installation.act("register", **registration(vc)), range(6)))
        assert [each.status_code for each in answers] == [200] * 6, [each.text for each in answers]
        assert [each.key for each in vc.extensions.get("extensionList")] == [KEY]
        installation.done("unregister", vcenter=vc.guid)


def test_without_a_pin_nothing_is_sent_and_the_served_fingerprint_is_told(
    installation: Installation, vc: VCenter
) -> None:
    given = registration(vc)
    del given["pin"]
    answer = installation.act("register", **given)
    assert answer.status_code == 400
    assert vc.certificate.thumbprint in answer.json()["detail"]
    assert "Login" not in vc.interference.calls


def test_a_wrong_pin_is_refused_before_any_password_is_sent(installation: Installation, vc: VCenter) -> None:
    other = issue().thumbprint
    answer = installation.act("register", **{**registration(vc), "pin": other})
    assert answer.status_code >= 400
    assert other in answer.json()["detail"]
    assert vc.certificate.thumbprint in answer.json()["detail"]
    assert "give it as --pin" in answer.json()["next_step"] and "upgrade" not in answer.json()["next_step"]
    assert "Login" not in vc.interference.calls


def test_an_expired_certificate_is_called_so(installation: Installation, vc: VCenter) -> None:
    vc.serve(issue(days=-1))
    answer = installation.act("register", **registration(vc))
    assert "has expired" in answer.json()["detail"]
    assert "Where the vCenter is registered already" in answer.json()["next_step"]
    assert "Login" not in vc.interference.calls


def test_a_ca_is_as_good_as_a_pin(installation: Installation, vc: VCenter) -> None:
    given = {**registration(vc), "ca": vc.certificate.pem}
    del given["pin"]
    assert installation.done("register", **given)["outcome"] == "registered"


def test_a_wrong_password_registers_nothing_and_is_not_repeated_in_the_answer(
    installation: Installation, vc: VCenter
) -> None:
    answer = installation.act("register", **{**registration(vc), "password": "Wrong-9876"})
    assert answer.status_code == 401
    assert "Wrong-9876" not in answer.text
    assert extension(vc) is None
    assert "Wrong-9876" not in installation.server.log.read_text()


@pytest.mark.parametrize(("release", "manifest"), [("7.0.0", "1.0.0"), ("8.0.1", "1.1.0"), ("9.0.0", "1.2.0")])
def test_each_generation_of_vcenter_is_pointed_at_a_manifest_it_takes(
    installation: Installation, release: str, manifest: str
) -> None:
    with VCenter(specification(release=release)) as vc:
        url = installation.register(vc)["url"]
        assert installation.client.get(url, timeout=10).json()["manifestVersion"] == manifest


def test_unregister_takes_it_out_there_and_here(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    answer = installation.done("unregister", vcenter=f"127.0.0.1:{vc.port}")
    assert answer["unregistered"] and answer["forgotten"]
    assert extension(vc) is None
    assert vc.guid not in {each["guid"] for each in installation.done("vcenters")["vcenters"]}


def test_unregister_works_when_our_records_are_gone(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    vc.die()
    installation.done("unregister", vcenter=vc.guid, forget=True)
    vc.revive()
    given = registration(vc)
    for name in ("service_user", "service_password"):
        del given[name]
    assert extension(vc) is not None
    assert installation.done("unregister", **given)["unregistered"]
    assert extension(vc) is None


def test_unregister_works_when_the_accounts_password_was_changed(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    vc.change_password(SERVICE.name, "Changed-5")
    refused = installation.act("unregister", vcenter=vc.guid)
    assert refused.status_code == 409
    assert extension(vc) is not None
    installation.done("unregister", vcenter=vc.guid, user=ADMINISTRATOR.name, password=ADMINISTRATOR.password)
    assert extension(vc) is None


def test_a_vcenter_that_is_gone_for_good_is_forgotten_when_asked(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    vc.die()
    assert installation.act("unregister", vcenter=vc.guid).status_code == 503
    answer = installation.done("unregister", vcenter=vc.guid, forget=True)
    assert answer["forgotten"] and "cannot be reached" in answer["left_behind"]


def test_an_address_that_belongs_to_another_vcenter_is_not_taken_over(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    vc.stop()
    with VCenter(specification(), port=vc.port) as other:
        refused = installation.act("register", **registration(other))
        assert refused.status_code == 409 and vc.guid in refused.json()["detail"]
        assert extension(other) is None
        answer = installation.done("unregister", vcenter=vc.guid, forget=True, pin=other.certificate.thumbprint)
        assert "Another vCenter answers" in answer["left_behind"]
        assert installation.done("register", **registration(other))["outcome"] == "registered"


def test_a_vcenter_stays_with_its_tenant(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    with installation.server.session() as admin:
        admin.post(f"{installation.server.address}/v1/tenants", json={"name": "others"}, timeout=10)
    refused = installation.act("register", **registration(vc), tenant="others")
    assert refused.status_code == 409 and "another tenant" in refused.json()["detail"]
    assert installation.act("register", **registration(vc), tenant="nobody").status_code == 404
