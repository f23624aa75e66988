"""Settings, services and licences."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.vcenter import VCenter, client
from tests.simulators.vcenter.registry import vim

from .people import READER


def test_settings_are_read_and_changed(vc: VCenter, service: Any) -> None:
    setting = service.content.setting
    assert [each.value for each in setting.QueryOptions("VirtualCenter.FQDN")] == ["localhost"]
    setting.UpdateOptions([vim.option.OptionValue(key="config.vpxd.x", value="1")])
    assert [each.key for each in setting.QueryOptions("config.")] == ["config.vpxd.x"]
    with pytest.raises(vim.fault.InvalidName):
        setting.QueryOptions("none")
    with pytest.raises(vim.fault.NoPermission):
        client.connect(vc, READER).content.setting.UpdateOptions([vim.option.OptionValue(key="a", value="1")])


def test_the_licence_is_the_evaluation(service: Any) -> None:
    assert [each.editionKey for each in service.content.licenseManager.licenses] == ["eval"]


def test_services_are_those_a_test_puts_in(vc: VCenter, service: Any) -> None:
    assert list(service.content.serviceManager.QueryServiceList(None, None)) == []
    manager = vc.managers["serviceManager"]
    found = vim.ServiceManager.ServiceInfo(serviceName="x", location=["a"], service=vc.root.ref, description="")
    manager.set("service", [found])
    assert [each.serviceName for each in service.content.serviceManager.QueryServiceList("x", None)] == ["x"]
    assert list(service.content.serviceManager.QueryServiceList("y", None)) == []
