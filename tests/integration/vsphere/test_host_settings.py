"""Settings of hosts are compared with rules, and put right on request: all that were chosen, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from isthmus.core.errors import Conflict, Forbidden, Invalid, Misconfigured
from isthmus.plugins.vsphere.actions.declared.apply_host_settings import APPLY_HOST_SETTINGS
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.hosts.esx import hosts_at
from isthmus.plugins.vsphere.plugin import VspherePlugin
from isthmus.plugins.vsphere.reasons import texts
from isthmus.plugins.vsphere.settings.findings import findings
from isthmus.plugins.vsphere.settings.rulebook import rules, shipped
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FULL, GIB, ActionSite, action_site, message, refused
from tests.integration.vsphere.conftest import ANNA
from tests.integration.vsphere.test_api import Page, client, token
from tests.simulators.vcenter import Role
from tests.simulators.vcenter.storage.lookup import storage_of
from tests.simulators.vcenter.storage.nfs import Export

CLUSTER, FIRST, SECOND = "cluster-1", "esx-01.example.test", "esx-02.example.test"
SETTER = Role(
    "Host setters",
    (
        "Isthmus.View", "Isthmus.Manage", "Host.Config.Storage", "Host.Config.AdvancedConfig", "Host.Config.NetService",
        "Task.Create", "Task.Update",
    ),
)  # fmt: skip
STORAGE_ONLY = Role("Storage setters", ("Isthmus.View", "Isthmus.Manage", "Host.Config.Storage"))


@pytest.fixture
def site(array: Array) -> Iterator[ActionSite]:
    with action_site(array, role=SETTER) as made:
        yield made


def spoil(site: ActionSite) -> None:
    """The first host has no handling of lost paths, and no time service."""
    host = site.hosts()[0]
    host.system("advancedOption").play("Misc.APDHandlingEnable", 0)
    host.system("advancedOption").play("Misc.APDTimeout", 60)
    host.system("serviceSystem")._change("ntpd", running=False, policy="off")


def settings(site: ActionSite) -> Mapping[str, Any]:
    """All settings of all hosts that rules are about."""
    found = {}
    for host in site.hosts():
        storage = storage_of(host)
        found[host.name] = {
            **{each.key: each.value for each in host.system("advancedOption").get("setting")},
            **storage.adapter.options,
            **{each.key: (each.running, each.policy) for each in host.get("config.service.service")},
            **{name: disk.policy for name, disk in storage.disks.items()},
        }  # fmt: skip
    return found


def checked(site: ActionSite, on: str = CLUSTER) -> Mapping[str, Any]:
    found = site.catalogue.invoke("vsphere", "check-host", site.call(on))
    assert isinstance(found, Mapping)
    return found


def told(site: ActionSite, on: str = FIRST) -> dict[str, tuple[str, str]]:
    """Of each finding: what was found and what was wanted."""
    return {each["rule"]: (each["found"], each["wanted"]) for each in checked(site, on)["findings"]}


def test_the_rules_satisfy_their_schema_and_speak_every_language() -> None:
    folder = files("isthmus.plugins.vsphere.settings")
    schema, document = (json.loads((folder / name).read_text()) for name in ("rules.schema.json", "rules.json"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert len({each.id for each in shipped()}) == len(shipped())
    for rule in shipped():
        said = [texts().get(f"plan.why.{rule.id}", locale) for locale in ("en", "de", "zh")]
        assert len(set(said)) == 3 and rule.id not in "".join(said)


def test_pages_tell_rules_and_why_they_matter_in_the_readers_words(site: ActionSite) -> None:
    page = Page(client(site), site.vc, token(site.vc, ANNA))
    name, why = (texts().get(f"plan.{part}.iscsi-login-timeout", "de") for part in ("rule", "why"))
    planned = page.got("actions/check-host/plan", FIRST, {"input": {}}, locale="de")
    (table,) = [each for each in planned["blocks"] if each.get("id") == "findings"]
    assert {"rule", "why"} <= {each["id"] for each in table["columns"]}
    assert (name, why) in {(row["cells"]["rule"]["value"], row["cells"]["why"]["value"]) for row in table["rows"]}
    found = page.got("actions/apply-host-settings/choices/rules", FIRST, {"input": {}}, locale="de")["items"]
    assert {"iscsi-login-timeout": name}.items() <= {each["value"]: each["title"] for each in found}.items()


def test_what_differs_is_told_with_what_was_found_and_why(site: ActionSite) -> None:
    spoil(site)
    found = checked(site)
    assert {each["name"]: each["connected"] for each in found["hosts"]} == {FIRST: True, SECOND: True}
    by_rule = {each["rule"]: each for each in found["findings"] if each["host"]["name"] == FIRST}
    lost = by_rule["apd-handling"]
    assert (lost["found"], lost["wanted"], lost["severity"], lost["reboot"]) == ("0", "1", "error", False)
    assert lost["why"].startswith("Without it a host goes on trying for ever") and "All Paths Down" in lost["source"]
    assert (by_rule["apd-timeout"]["found"], by_rule["apd-timeout"]["wanted"]) == ("60", "≥ 140")
    assert by_rule["time-service"]["found"] == "stopped off"
    assert by_rule["iscsi-delayed-ack"]["device"] == "vmhba64" and by_rule["iscsi-delayed-ack"]["reboot"]
    second = {each["rule"] for each in found["findings"] if each["host"]["name"] == SECOND}
    assert second == {"iscsi-login-timeout", "iscsi-delayed-ack"}


def test_rules_for_nfs_are_for_hosts_that_use_it(site: ActionSite) -> None:
    assert not [rule for rule in told(site) if rule.startswith("nfs")]
    host = site.hosts()[0]
    site.vc.exports.played["nas", "/export"] = Export()
    spec = vim.host.NasVolume.Specification(
        remoteHost="nas", remotePath="/export", localPath="share", accessMode="readWrite"
    )
    host.system("datastoreSystem").CreateNasDatastore(None, spec)
    assert told(site)["nfs-volumes"] == ("8", "≥ 256") and told(site)["nfs-heap-size"] == ("0", "≥ 32")
    assert "nfs-heap-max" not in told(site) and "nfs-volumes" not in told(site, SECOND)


def test_paths_are_looked_at_for_our_disks_only(site: ActionSite) -> None:
    given = {"name": "gold", "size": 2 * GIB, "profile": "shared"}
    operation = site.ended(site.begin("provision", CLUSTER, context=site.root, **given))
    storage = storage_of(site.hosts()[0])
    (disk,) = storage.disks
    storage.disks[disk].policy = "VMW_PSP_MRU"
    storage.publish()
    assert told(site)["multipath-round-robin"] == ("VMW_PSP_MRU", "VMW_PSP_RR")
    site.done("apply-host-settings", FIRST, rules=["multipath-round-robin"])
    assert storage.disks[disk].policy == "VMW_PSP_RR" and "multipath-round-robin" not in told(site)
    storage.disks[disk].policy = "VMW_PSP_MRU"
    storage.publish()
    connection = _connection(site)
    hosts = hosts_at(connection, [connection.reference("HostSystem", each.moid) for each in site.hosts()])
    assert "multipath-round-robin" not in {each.rule.id for each in findings(connection, hosts)}
    assert operation.state == "done"
    site.ended(site.begin("delete", "gold", context=site.root))


def _connection(site: ActionSite) -> Any:
    reach = site.offered.desk.reaches.get(site.vc.guid)
    return reach.as_service(lambda connection, who: connection)


def test_all_that_differs_is_put_right_and_what_needs_a_restart_is_told(site: ActionSite) -> None:
    spoil(site)
    boots = [host.get("runtime.bootTime") for host in site.hosts()]
    result = site.done("apply-host-settings", CLUSTER, rules=[])
    assert not checked(site)["findings"]
    assert result["restart"] == [FIRST, SECOND]
    assert {(each["rule"], each["before"], each["target"]) for each in result["changed"]} >= {
        ("apd-handling", 0, 1), ("apd-timeout", 60, 140), ("iscsi-delayed-ack", True, False),
    }  # fmt: skip
    assert [host.get("runtime.bootTime") for host in site.hosts()] == boots
    with refused(Conflict, "Nothing differs"):
        site.begin("apply-host-settings", CLUSTER, rules=[])


def test_only_chosen_rules_and_hosts_are_touched(site: ActionSite) -> None:
    spoil(site)
    before = settings(site)
    choices = site.catalogue.choices("vsphere", "apply-host-settings", "rules", site.call(FIRST))
    assert {each.value: each.details["found"] for each in choices}["apd-timeout"] == "60"
    plan = site.catalogue.plan("vsphere", "apply-host-settings", site.call(CLUSTER, {"rules": ["apd-timeout"]}))
    assert [(each["host"]["name"], each["becomes"]) for each in plan["changes"]] == [(FIRST, "140")]
    assert settings(site) == before
    site.done("apply-host-settings", CLUSTER, rules=["apd-timeout"], hosts=[FIRST])
    after = settings(site)
    assert after[FIRST]["Misc.APDTimeout"] == 140
    assert {**after[FIRST], "Misc.APDTimeout": 60} == before[FIRST] and after[SECOND] == before[SECOND]
    with refused(Invalid, "no rule nonsense"):
        site.begin("apply-host-settings", CLUSTER, rules=["nonsense"])
    with refused(Invalid, "no host esx-99"):
        site.begin("apply-host-settings", CLUSTER, rules=[], hosts=["esx-99"])


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", list(APPLY_HOST_SETTINGS.steps))
def test_a_failure_leaves_every_setting_as_it_was(site: ActionSite, step: str, after: bool) -> None:
    spoil(site)
    before = settings(site)
    with site.failing("vsphere.apply-host-settings", step, after=after):
        assert site.act("apply-host-settings", CLUSTER, rules=[]).state == "failed"
    assert settings(site) == before


def test_a_value_that_a_host_does_not_take_is_named_and_everything_is_put_back(site: ActionSite) -> None:
    spoil(site)
    before = settings(site)
    site.vc.trouble("UpdateInternetScsiAdvancedOptions", fault=vim.fault.PlatformConfigFault(text="no"), times=3)
    found = site.act("apply-host-settings", CLUSTER, rules=[])
    assert found.state == "failed" and f"Host {FIRST} does not take the setting LoginTimeout" in message(found)
    assert settings(site) == before
    assert site.task(found).state == "error"


def test_a_setting_that_something_else_puts_back_is_no_success(site: ActionSite) -> None:
    spoil(site)
    options = site.hosts()[0].system("advancedOption")
    meddled = lambda *given: options.play("Misc.APDTimeout", 60) or False  # noqa: E731
    site.vc.trouble("UpdateServicePolicy", when=meddled, fault=vim.fault.NotFound())
    found = site.act("apply-host-settings", FIRST, rules=["apd-timeout", "time-service"])
    assert found.state == "failed" and "reads back as 60 instead of 140" in message(found)


def test_a_host_that_is_offline_or_privileges_that_are_missing_refuse_it_first(array: Array, site: ActionSite) -> None:
    spoil(site)
    site.hosts()[1].set_connection("notResponding")
    assert told(site, CLUSTER) == told(site, FIRST)
    with refused(Conflict, f"no connection to host {SECOND}"):
        site.begin("apply-host-settings", CLUSTER, rules=[])
    with action_site(array, role=STORAGE_ONLY) as other:
        spoil(other)
        with refused(Forbidden, f"lack Host.Config.AdvancedConfig, Host.Config.NetService on {FIRST}"):
            other.begin("apply-host-settings", CLUSTER, rules=[])
    with action_site(array, role=FULL) as third, pytest.raises(Forbidden):
        third.begin("apply-host-settings", CLUSTER, rules=[])


def test_an_administrator_gives_a_rule_another_bound_or_puts_it_out_of_force(site: ActionSite) -> None:
    spoil(site)
    changes = {"apd-timeout": {"at_least": 50}, "apd-handling": False, "time-servers": {"equals": ["ntp.isthmus.test"]}}
    site.offered.stage.settings = {"host_rules": changes}
    assert not {"apd-timeout", "apd-handling"} & told(site).keys()
    assert told(site)["time-servers"] == ("ntp.example.test", "ntp.isthmus.test")
    site.ended(site.begin("apply-host-settings", FIRST, context=site.root, rules=["time-servers"]))
    assert site.hosts()[0].get("config.dateTimeInfo.ntpConfig.server") == ["ntp.isthmus.test"]
    schema = VspherePlugin.settings_schema["properties"]["host_rules"]
    Draft202012Validator(schema).validate(changes)
    assert not Draft202012Validator(schema).is_valid({"apd-timeout": {"at_most": "x"}})
    with pytest.raises(Misconfigured, match="no rule 'apd-timeuot'"):
        rules({"apd-timeuot": False})


def test_rules_of_other_releases_do_not_count() -> None:
    (rule,) = [each for each in shipped() if each.id == "nfs-volumes"]
    assert rule.counts("7.0.3", frozenset({"nfs"})) and rule.counts("9.0", frozenset({"nfs"}))
    assert not rule.counts("6.7.0", frozenset({"nfs"})) and not rule.counts("8.0.3", frozenset({"iscsi"}))


def test_settings_are_read_in_a_few_calls_however_many_hosts_there_are(site: ActionSite) -> None:
    connection = _connection(site)
    refs = [connection.reference("HostSystem", each.moid) for each in site.hosts()]

    def calls(hosts: int) -> int:
        chosen = hosts_at(connection, refs[:hosts])
        before = len(site.vc.interference.calls)
        findings(connection, chosen)
        return len(site.vc.interference.calls) - before

    assert calls(1) == calls(2) <= 5
