"""Drift is found and put right; pins follow our certificate; the vCenter's own renewal is an upgrade."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.plugins.vsphere.connection.certificate import Certificate
from isthmus.plugins.vsphere.registration.extension import pins
from isthmus.plugins.vsphere.registration.identity import manifest_url
from isthmus.plugins.vsphere.registration.our_server import OurServer
from tests.integration.vsphere.conftest import KEY, SERVICE, Installation, extension, registration, specification
from tests.simulators.vcenter import Certificate as Issued
from tests.simulators.vcenter import Grant, User, VCenter, issue

pytestmark = pytest.mark.server


def examined(installation: Installation, vc: VCenter, **given: Any) -> dict[str, Any]:
    (found,) = installation.done("doctor", vcenter=vc.guid, **given)["vcenters"]
    return dict(found)


def wrong(found: dict[str, Any]) -> dict[str, str]:
    """All but whether the pages' style was fetched here, which no registration is to blame for."""
    findings = [each for each in found["findings"] if each["check"] != "pages"]
    return {each["check"]: each["text"] for each in findings if each["level"] != "ok"}


def change(vc: VCenter, **values: Any) -> None:
    """Somebody else writes into our extension."""
    found = extension(vc)
    for name, value in values.items():
        setattr(found, name, value)


def test_a_sound_registration_has_no_findings(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    found = examined(installation, vc)
    assert found["healthy"] and wrong(found) == {}


def test_a_lost_registration_is_found_and_repaired(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    vc.extensions.UnregisterExtension(None, KEY)  # type: ignore[arg-type]
    assert wrong(examined(installation, vc))["extension"].startswith("The plug-in is not registered")
    assert extension(vc) is None
    found = examined(installation, vc, repair=True)
    assert found["healthy"] and found["repaired"] == ["it was not registered"]
    assert extension(vc) is not None


def test_an_old_version_and_a_wrong_pin_are_found_and_repaired(installation: Installation, vc: VCenter) -> None:
    pin = installation.register(vc)["pin"]
    change(vc, version="0.0.1")
    extension(vc).server[0].serverThumbprint = issue().thumbprint
    found = wrong(examined(installation, vc))
    assert "version 0.0.1" in found["extension"] and "another pin" in found["extension"]
    assert pin in found["pin"]
    assert examined(installation, vc, repair=True)["healthy"]
    assert pins(extension(vc)) == [pin]


def test_lost_privileges_of_the_service_account_are_named(installation: Installation) -> None:
    weak = User("weak@vsphere.local", "Secret-5", grants=(Grant("ReadOnly"),))
    with VCenter(specification(weak)) as vc:
        installation.done(
            "register", **{**registration(vc), "service_user": weak.name, "service_password": weak.password}
        )
        found = wrong(examined(installation, vc))
    assert "Extension.Update" in found["service account"]
    assert "System.Read" not in found["service account"]


def test_of_a_dead_vcenter_no_other_service_account_is_asked_for(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    vc.die()
    (found,) = [each for each in examined(installation, vc)["findings"] if each["check"] == "service account"]
    assert found["level"] == "error" and "cannot be reached" in found["text"]
    assert "Check that the vCenter runs" in found["cure"] and "--service-user" not in found["cure"]


def test_doctor_and_upgrade_try_a_refused_service_account_once_each(installation: Installation, vc: VCenter) -> None:
    installation.register(vc)
    vc.change_password(SERVICE.name, "Changed-5")
    for each in vc.sessions.all():
        vc.sessions.close(each)

    def logins() -> int:
        return vc.interference.calls.count("Login")

    # What the server does by itself is answered from memory from here on.
    named = f"The service account {SERVICE.name} of vCenter 127.0.0.1:{vc.port} was refused."
    answer = installation.act("upgrade", vcenter=vc.guid)
    assert (answer.status_code, answer.json()["detail"]) == (409, named)
    before = logins()
    found = examined(installation, vc)
    assert logins() == before + 1
    assert wrong(found)["vcenter"] == named and named in wrong(found)["service account"]
    cures = {each["check"]: each["cure"] for each in found["findings"] if each["level"] == "error"}
    assert all("--service-user" in cures[check] for check in ("vcenter", "service account"))
    assert installation.act("upgrade", vcenter=vc.guid).status_code == 409
    assert logins() == before + 2
    installation.done("upgrade", vcenter=vc.guid, service_user=SERVICE.name, service_password="Changed-5")
    assert examined(installation, vc)["healthy"]


def test_a_renewed_certificate_of_the_vcenter_is_told_with_both_fingerprints_and_upgraded(
    installation: Installation, vc: VCenter
) -> None:
    installation.register(vc)
    former = vc.certificate.thumbprint
    vc.serve(issue())
    text = wrong(examined(installation, vc))["vcenter"]
    assert former in text and vc.certificate.thumbprint in text
    installation.done("upgrade", vcenter=vc.guid, pin=vc.certificate.thumbprint)
    assert examined(installation, vc)["healthy"]


def test_another_vcenter_at_the_address_is_not_taken_for_the_one_that_is_known(
    installation: Installation, vc: VCenter
) -> None:
    installation.register(vc)
    port = vc.port
    vc.stop()
    with VCenter(specification(), port=port, certificate=vc.certificate):
        assert "Another vCenter" in wrong(examined(installation, vc))["identity"]
        assert installation.act("upgrade", vcenter=vc.guid).status_code == 409


def test_upgrade_without_a_name_goes_to_all_and_a_dead_one_keeps_nobody(
    installation: Installation, vc: VCenter
) -> None:
    with VCenter(specification()) as other:
        installation.register(vc)
        installation.register(other)
        vc.die()
        answers = {each["guid"]: each for each in installation.done("upgrade")["vcenters"]}
        assert "cannot be reached" in answers[vc.guid]["error"]["message"]
        assert answers[other.guid]["outcome"] == "unchanged"


def test_the_next_certificate_stands_beside_the_current_one(installation: Installation, vc: VCenter) -> None:
    current = installation.register(vc)["pin"]
    following = issue()
    installation.done("upgrade", vcenter=vc.guid, next_certificate=following.pem)
    assert pins(extension(vc)) == [current, following.thumbprint]
    assert installation.done("upgrade", vcenter=vc.guid)["vcenters"][0]["outcome"] == "unchanged"
    assert examined(installation, vc)["healthy"]


@pytest.mark.parametrize(
    ("certificate", "check"), [(issue(days=-1), "certificate"), (issue("elsewhere.example"), "names")]
)
def test_why_a_manifest_would_not_load_is_said(certificate: Issued, check: str) -> None:
    with VCenter(specification(), certificate=_only_for(certificate, check)) as served:
        ours = OurServer(served.url)
        findings = {each.check: each for each in ours.judge(manifest_url(served.url, "8.0.3"), "1.0", from_host="::1")}
    assert findings[check].level == "error"
    assert findings["manifest"].level == "error"


def test_a_loopback_address_is_no_address_for_a_vcenter_elsewhere(installation: Installation) -> None:
    ours = OurServer(installation.server.address)
    url = manifest_url(installation.server.address, "8.0.3")
    findings = {each.check: each.level for each in ours.judge(url, "1.0", from_host="vc.example.com")}
    assert findings["address"] == "error"
    assert findings["manifest"] == "ok"
    assert {each.check for each in ours.judge(url, "1.0-beta")} >= {"version"}


def test_a_pin_that_is_not_served_is_an_error(installation: Installation) -> None:
    ours = OurServer(installation.server.address)
    url = manifest_url(installation.server.address, "8.0.3")
    other = Certificate(issue().pem).fingerprint
    (found,) = [each for each in ours.judge(url, "1.0", pin=other) if each.check == "pin"]
    assert found.level == "error" and ours.certificate().fingerprint in found.text
    assert "neither the server's own nor was it announced" in found.cure
    for known in (OurServer(ours.address, lambda _: True), ours):
        pins = {ours.certificate().fingerprint} if known is ours else ()
        (found,) = [each for each in known.judge(url, "1.0", pin=other, pins=pins) if each.check == "pin"]
        assert found.cure.endswith("--repair.")


def _only_for(certificate: Issued, check: str) -> Issued:
    if check != "names":
        return certificate
    return _named("elsewhere.example")


def _named(name: str) -> Issued:
    """A certificate for one name, and not for loopback."""
    from isthmus.core.security.authority import issue_server_certificate, make_authority

    made = issue_server_certificate(make_authority(), [name])
    return Issued(made.certificate.decode(), made.key.decode())
