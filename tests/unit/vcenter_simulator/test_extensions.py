"""Extensions: what is refused when they register, what they bring, and whether their plug-in would load."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulators.vcenter import Specification, VCenter, client, issue, plugin_loader
from tests.simulators.vcenter.registry import vim, vmodl

from .people import READER
from .plugins import KEY, extension, manifest, served, zipped


def test_an_extension_is_registered_found_updated_and_unregistered(service: Any) -> None:
    manager = service.content.extensionManager
    assert manager.FindExtension(KEY) is None
    manager.RegisterExtension(extension())
    assert manager.FindExtension(KEY).version == "1.2.3"
    assert [each.key for each in manager.extensionList] == [KEY]
    manager.UpdateExtension(extension(version="1.3"))
    assert manager.FindExtension(KEY).version == "1.3"
    manager.UnregisterExtension(KEY)
    assert manager.FindExtension(KEY) is None
    with pytest.raises(vim.fault.NotFound):
        manager.UnregisterExtension(KEY)
    with pytest.raises(vim.fault.NotFound):
        manager.UpdateExtension(extension())


def test_a_key_is_registered_once(service: Any) -> None:
    manager = service.content.extensionManager
    manager.RegisterExtension(extension())
    with pytest.raises(vmodl.fault.InvalidArgument) as caught:
        manager.RegisterExtension(extension())
    assert caught.value.invalidProperty == "extension.key"


def _server(**more: Any) -> Callable[[Any], None]:
    def change(wanted: Any) -> None:
        for name, value in more.items():
            setattr(wanted.server[0], name, value)

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda wanted: setattr(wanted, "key", "nodots"), "extension.key"),
        (lambda wanted: setattr(wanted, "key", "org.exam ple"), "extension.key"),
        (lambda wanted: setattr(wanted, "version", "1.2.3.4.5"), "extension.version"),
        (lambda wanted: setattr(wanted, "version", "1.2-beta"), "extension.version"),
        (_server(url="nonsense"), "extension.server[0].url"),
        (_server(company=""), "extension.server[0].company"),
        (_server(serverThumbprint="abcdef"), "extension.server[0].serverThumbprint"),
        (_server(serverThumbprint="AA:BB:CC"), "extension.server[0].serverThumbprint"),
        (_server(serverCertificate="no PEM"), "extension.server[0].serverCertificate"),
        (lambda wanted: setattr(wanted.client[0], "type", ""), "extension.client[0].type"),
        (lambda wanted: setattr(wanted, "taskList", [*wanted.taskList, *wanted.taskList]), "extension.taskList"),
    ],
)
def test_what_is_wrong_in_a_registration_is_named(service: Any, change: Callable[[Any], None], field: str) -> None:
    wanted = extension()
    change(wanted)
    with pytest.raises(vmodl.fault.InvalidArgument) as caught:
        service.content.extensionManager.RegisterExtension(wanted)
    assert caught.value.invalidProperty == field
    assert service.content.extensionManager.FindExtension(KEY) is None


def test_registering_needs_the_right_to(vc: VCenter) -> None:
    reader = client.connect(vc, READER)
    with pytest.raises(vim.fault.NoPermission) as caught:
        reader.content.extensionManager.RegisterExtension(extension())
    assert caught.value.privilegeId == "Extension.Register"


def test_the_privileges_of_an_extension_come_and_go_with_it(service: Any) -> None:
    manager, rights = service.content.extensionManager, service.content.authorizationManager
    manager.RegisterExtension(extension())
    number = rights.AddAuthorizationRole("Provisioner", [f"{KEY}.Provision"])
    assert f"{KEY}.Provision" in [each.privId for each in rights.privilegeList]
    labels = {each.key: each.label for each in rights.description.privilege}
    assert labels[f"{KEY}.Provision"] == "Provision"
    manager.UnregisterExtension(KEY)
    assert f"{KEY}.Provision" not in [each.privId for each in rights.privilegeList]
    with pytest.raises(vmodl.fault.InvalidArgument):
        rights.UpdateAuthorizationRole(number, "Provisioner", [f"{KEY}.Provision"])


def deploy(vc: VCenter, service: Any, files: dict[str, bytes], name: str = "plugin.json", **pins: Any) -> Any:
    """Serve, register with the given pins (callables of the certificate), and let the vCenter load it."""
    certificate = issue()
    with served(files, certificate) as url:
        fields = {each: pin(certificate) for each, pin in pins.items()}
        service.content.extensionManager.RegisterExtension(extension(f"{url}{name}", **fields))
        return plugin_loader.load(vc, KEY)


def test_a_plugin_with_the_right_thumbprint_is_deployed(vc: VCenter, service: Any) -> None:
    found = deploy(vc, service, {"plugin.json": json.dumps(manifest()).encode()}, pin=lambda each: each.thumbprint)
    assert (found.state, found.reason) == ("DEPLOYED", "")


def test_a_plugin_with_the_right_certificate_is_deployed(vc: VCenter, service: Any) -> None:
    found = deploy(vc, service, {"plugin.json": json.dumps(manifest()).encode()}, pem=lambda each: each.pem)
    assert (found.state, found.reason) == ("DEPLOYED", "")


def test_an_archive_is_read_as_well(vc: VCenter, service: Any) -> None:
    files = {"plugin.zip": zipped(manifest())}
    assert deploy(vc, service, files, "plugin.zip", pin=lambda each: each.thumbprint).state == "DEPLOYED"


@pytest.mark.parametrize(
    ("content", "pins", "reason"),
    [
        (manifest(), {"pin": lambda each: issue().thumbprint}, "shows the certificate"),
        (manifest(), {"pem": lambda each: issue().pem}, "does not show the registered certificate"),
        (manifest(), {}, "Neither a thumbprint nor a certificate"),
        (manifest(surprise=1), {"pin": lambda each: each.thumbprint}, "not known: surprise"),
        (manifest(manifestVersion="3"), {"pin": lambda each: each.thumbprint}, "manifestVersion"),
        (manifest(configuration={"nameKey": "plugin.name"}), {"pin": lambda each: each.thumbprint}, "icon"),
        (manifest(configuration={"nameKey": "x", "icon": {}}), {"pin": lambda each: each.thumbprint}, "text x"),
        (manifest(objects={"Nonsense": {}}), {"pin": lambda each: each.thumbprint}, "Nonsense"),
    ],
)
def test_a_plugin_that_would_not_load_fails_with_the_reason(
    vc: VCenter, service: Any, content: Any, pins: Any, reason: str
) -> None:
    found = deploy(vc, service, {"plugin.json": json.dumps(content).encode()}, **pins)
    assert found.state == "FAILED"
    assert reason in found.reason


def test_a_manifest_that_is_not_there_fails_with_the_status(vc: VCenter, service: Any) -> None:
    found = deploy(vc, service, {}, pin=lambda each: each.thumbprint)
    assert (found.state, "answers 404" in found.reason) == ("FAILED", True)


def test_a_newer_manifest_than_the_release_reads_is_incompatible() -> None:
    newer = json.dumps(manifest(manifestVersion="1.2.0")).encode()
    states = {}
    for release in ("8.0.3", "9.0.0"):
        with VCenter(Specification(release=release)) as vc:
            states[release] = deploy(
                vc, client.connect(vc), {"plugin.json": newer}, pin=lambda each: each.thumbprint
            ).state
    assert states == {"8.0.3": "INCOMPATIBLE", "9.0.0": "DEPLOYED"}


def test_what_is_not_registered_does_not_load(vc: VCenter) -> None:
    assert plugin_loader.load(vc, KEY).state == "FAILED"
