"""Storage policies by tags, asked for by an unmodified pyVmomi in the session of the vCenter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.simulators.vcenter import Grant, Role, User, VCenter, client
from tests.simulators.vcenter.registry import pbm, soap_adapter, vim, vmodl
from tests.simulators.vcenter.specification import Specification, sized

LOOKER = User("looker@vsphere.local", "Secret-7", (Grant("Lookers"),))
TAGS = "http://www.vmware.com/storage/tag"


@pytest.fixture
def vc() -> Any:
    role = Role("Lookers", ("StorageProfile.View",))
    spec = Specification(
        users=(*Specification().users, LOOKER), roles=(role,), datacenters=(sized(hosts=1, datastores=3, machines=1),)
    )
    with VCenter(spec) as made:
        yield made


def policies(vc: VCenter, service: Any | None, version: str = "pbm.version.version11") -> Any:
    """The content of the policies' service, with the session of a ServiceInstance."""
    cookie = "" if service is None else service._stub.cookie.split('"')[1]
    stub = soap_adapter.SoapStubAdapter(
        host="127.0.0.1", port=vc.port, path="/pbm/sdk", version=version,
        sslContext=vc.client_context(), requestContext={"vcSessionCookie": cookie},
    )  # fmt: skip
    return pbm.ServiceInstance("ServiceInstance", stub).RetrieveContent()


def tags(vc: VCenter, category: str, names: Sequence[str]) -> dict[str, str]:
    """The ids of new tags."""
    found = vc.tagging.create_category({"name": category, "cardinality": "SINGLE"})
    return {name: vc.tagging.create_tag({"name": name, "category_id": found}) for name in names}


def wanted(category: str, *names: str) -> Any:
    value = pbm.capability.types.DiscreteSet(values=list(names))
    found = pbm.capability.PropertyInstance(id=f"com.vmware.storage.tag.{category}.property", value=value)
    capability = pbm.capability.CapabilityInstance(
        id=pbm.capability.CapabilityMetadata.UniqueId(namespace=TAGS, id=category),
        constraint=[pbm.capability.ConstraintInstance(propertyInstance=[found])],
    )
    rules = pbm.profile.SubProfileCapabilityConstraints.SubProfile(name="tags", capability=[capability])
    return pbm.profile.SubProfileCapabilityConstraints(subProfiles=[rules])


def spec(name: str, constraints: Any) -> Any:
    return pbm.profile.CapabilityBasedProfileCreateSpec(
        name=name, resourceType=pbm.profile.ResourceType(resourceType="STORAGE"), constraints=constraints
    )


def test_a_policy_is_made_found_changed_and_deleted(vc: VCenter) -> None:
    manager = policies(vc, client.connect(vc)).profileManager
    tags(vc, "tier", ["gold", "silver"])
    identity = manager.Create(spec("Gold", wanted("tier", "gold")))
    assert [each.uniqueId for each in manager.QueryProfile(manager.FetchResourceType()[0], "REQUIREMENT")] == [
        identity.uniqueId
    ]
    (found,) = manager.RetrieveContent([identity])
    assert (found.name, found.createdBy) == ("Gold", "VSPHERE.LOCAL\\administrator")
    assert found.constraints.subProfiles[0].capability[0].constraint[0].propertyInstance[0].value.values == ["gold"]
    change = pbm.profile.CapabilityBasedProfileUpdateSpec(name="Silver", constraints=wanted("tier", "silver"))
    manager.Update(identity, change)
    (found,) = manager.RetrieveContent([identity])
    assert (found.name, found.generationId) == ("Silver", 1)
    assert [each.fault for each in manager.Delete([identity])] == [None]
    assert isinstance(manager.Delete([identity])[0].fault, pbm.fault.NotFound)
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.RetrieveContent([identity])


def test_rules_are_about_tags_there_are_and_names_are_unique(vc: VCenter) -> None:
    manager = policies(vc, client.connect(vc)).profileManager
    tags(vc, "tier", ["gold"])
    for constraints in (wanted("tier", "copper"), wanted("level", "gold")):
        with pytest.raises(vmodl.fault.InvalidArgument):
            manager.Create(spec("Gold", constraints))
    manager.Create(spec("Gold", wanted("tier", "gold")))
    with pytest.raises(pbm.fault.DuplicateName) as told:
        manager.Create(spec("gold", wanted("tier", "gold")))
    assert told.value.name == "gold"


def test_capabilities_are_the_categories_of_tags(vc: VCenter) -> None:
    manager = policies(vc, client.connect(vc)).profileManager
    assert list(manager.FetchCapabilityMetadata(None, None)) == []
    tags(vc, "tier", ["gold", "silver"])
    ((capability,),) = [each.capabilityMetadata for each in manager.FetchCapabilityMetadata(None, None)]
    assert (capability.id.namespace, capability.id.id) == (TAGS, "tier")
    values = capability.propertyMetadata[0].allowedValue.values
    assert [each.value for each in values] == ["gold", "silver"]


def test_the_datastores_with_the_tag_match(vc: VCenter) -> None:
    content = policies(vc, client.connect(vc))
    ids = tags(vc, "tier", ["gold", "silver"])
    first, second = vc.named("datastore-001"), vc.named("datastore-002")
    vc.tagging.attach(ids["gold"], {"type": "Datastore", "id": first.moid})
    vc.tagging.attach(ids["silver"], {"type": "Datastore", "id": second.moid})
    identity = content.profileManager.Create(spec("Gold", wanted("tier", "gold")))
    solver = content.placementSolver
    assert [each.hubId for each in solver.QueryMatchingHub(None, identity)] == [first.moid]
    either = content.profileManager.Create(spec("Either", wanted("tier", "gold", "silver")))
    assert {each.hubId for each in solver.QueryMatchingHub(None, either)} == {first.moid, second.moid}
    hubs = [pbm.placement.PlacementHub(hubType="Datastore", hubId=each.moid) for each in (first, second)]
    results = solver.CheckCompatibility(hubs, identity)
    assert [bool(each.error) for each in results] == [False, True]
    with pytest.raises(pbm.fault.NonExistentHubs):
        solver.QueryMatchingHub([pbm.placement.PlacementHub(hubType="Datastore", hubId="datastore-0")], identity)


def test_a_policy_that_a_machine_has_is_not_deleted(vc: VCenter) -> None:
    manager = policies(vc, client.connect(vc)).profileManager
    tags(vc, "tier", ["gold"])
    identity = manager.Create(spec("Gold", wanted("tier", "gold")))
    machine = next(each for each in vc.model.objects.values() if isinstance(each.ref, vim.VirtualMachine))
    vc.policies.assign(vc.policies.named("Gold"), vc.machine(machine.ref))
    (entity,) = manager.QueryAssociatedEntity(identity, "virtualMachine")
    assert (entity.key, entity.serverUuid) == (machine.moid, vc.guid)
    assert [each.uniqueId for each in manager.QueryAssociatedProfile(entity)] == [identity.uniqueId]
    assert isinstance(manager.Delete([identity])[0].fault, pbm.fault.ResourceInUse)
    assert vc.policies.named("Gold")


def test_the_session_comes_in_the_header_and_the_privileges_count(vc: VCenter) -> None:
    with pytest.raises(vim.fault.NotAuthenticated):
        policies(vc, None).profileManager.FetchResourceType()
    service = client.connect(vc, LOOKER)
    manager = policies(vc, service).profileManager
    assert list(manager.QueryProfile(manager.FetchResourceType()[0], None)) == []
    tags(vc, "tier", ["gold"])
    with pytest.raises(vim.fault.NoPermission) as told:
        manager.Create(spec("Gold", wanted("tier", "gold")))
    assert told.value.privilegeId == "StorageProfile.Update"
    newer = policies(vc, service, "pbm.version.v8_0_2_0").profileManager
    with pytest.raises(pbm.fault.NoPermission) as told:
        newer.Create(spec("Gold", wanted("tier", "gold")))
    assert told.value.missingPrivileges[0].privilegeIds == ["StorageProfile.Update"]
    service.content.sessionManager.Logout()
    with pytest.raises(vim.fault.NotAuthenticated):
        manager.FetchResourceType()


def test_each_release_speaks_its_own_version(vc: VCenter) -> None:
    with VCenter(Specification(release="7.0.0")) as old:
        content = policies(old, client.connect(old))
        assert content.aboutInfo.version == "7.0.0"
        with pytest.raises(vmodl.fault.InvalidRequest):
            policies(old, client.connect(old), "pbm.version.v8_0_0_0")
