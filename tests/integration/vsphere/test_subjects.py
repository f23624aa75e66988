"""What an action is done to is what the call says that it is."""

from __future__ import annotations

import pytest

from isthmus.core.errors import Invalid
from isthmus.plugin_manager.action import Call, Subject
from tests.integration.vsphere.actions_site import GIB, ActionSite

HOST, CLUSTER = "esx-01.example.test", "cluster-1"


@pytest.mark.parametrize(
    ("action", "kind", "given"),
    [
        ("expand", "Datastore", {"size": 3 * GIB}),
        ("rescan", "ClusterComputeResource", {}),
        ("check-host", "ClusterComputeResource", {}),
    ],
)
def test_an_object_of_another_kind_is_refused_by_its_name(
    site: ActionSite, action: str, kind: str, given: dict[str, int]
) -> None:
    urn = site.subject(HOST).id
    call = Call(site.root, Subject(kind, urn), given)
    with pytest.raises(Invalid, match=f"{urn} is a HostSystem, not a {kind}") as caught:
        site.catalogue.invoke("vsphere", action, call)
    assert caught.value.details["field"] == "subject" and "HostSystem" in str(caught.value.next_step)


def test_a_host_and_a_cluster_are_each_their_own_kind(site: ActionSite) -> None:
    for name, kind in ((HOST, "HostSystem"), (CLUSTER, "ClusterComputeResource")):
        subject = site.subject(name)
        assert subject.kind == kind
        assert site.catalogue.check("vsphere", "check-host", Call(site.root, subject)) is None
