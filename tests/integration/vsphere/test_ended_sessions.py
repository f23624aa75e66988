"""What a session may read is not there for one that has ended; that is never taken for nothing being there."""

from __future__ import annotations

import pytest

from isthmus.plugins.vsphere.connection.endpoint import Endpoint
from isthmus.plugins.vsphere.connection.errors import SessionEnded
from isthmus.plugins.vsphere.connection.soap import connect
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.connection.vmodl import vim
from tests.integration.vsphere.conftest import ADMINISTRATOR
from tests.simulators.vcenter import VCenter

pytestmark = pytest.mark.server


def test_a_read_in_an_ended_session_says_that_it_has_ended(vc: VCenter) -> None:
    connection = connect(Endpoint("127.0.0.1", vc.port, Trust(certificate=vc.certificate.pem)))
    connection.login(ADMINISTRATOR.name, ADMINISTRATOR.password)
    cluster = vim.ClusterComputeResource(vc.named("cluster-1").moid)
    cluster._stub = connection.stub
    assert len(connection.read(cluster, "host")["host"]) == 2
    for each in vc.sessions.all():
        vc.sessions.close(each)
    with pytest.raises(SessionEnded):
        connection.read(cluster, "host")
    with pytest.raises(SessionEnded):
        connection.read_all([cluster], "host", "name")
    connection.close()
