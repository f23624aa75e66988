"""What datastores refuse and why, without an array: blockers, exports, datastore clusters, hosts that are gone."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from pyVim import task as pyvim

from tests.simulators.vcenter import VCenter, client
from tests.simulators.vcenter.objects.compute_resource import ComputeResource
from tests.simulators.vcenter.registry import support, vim, vmodl
from tests.simulators.vcenter.storage.nfs import Export

from .people import READER

GIB = 1 << 30


def _waited(task: Any) -> Any:
    library: Any = pyvim
    library.WaitForTask(task)
    return task.info.result


@pytest.fixture
def datacenter(service: Any) -> Any:
    return service.content.rootFolder.childEntity[0]


@pytest.fixture
def hosts(datacenter: Any) -> list[Any]:
    return list(datacenter.hostFolder.childEntity[0].host)


def _nas(name: str, server: str = "nas", path: str = "/export", **more: Any) -> Any:
    return vim.host.NasVolume.Specification(
        remoteHost=server, remotePath=path, localPath=name, accessMode="readWrite", **more
    )


def _mount(host: Any, spec: Any) -> Any:
    return host.configManager.datastoreSystem.CreateNasDatastore(spec)


@contextmanager
def _nfs_server(exports: tuple[str, ...]) -> Iterator[int]:
    """As much of an NFS 4.0 server as a look at its exports needs; the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection:
            (mark,) = struct.unpack(">I", connection.recv(4))
            call = connection.recv(mark & 0x7FFFFFFF)
            number, _, _, program, version, procedure = struct.unpack_from(">IIIIII", call)
            accepted = 0 if (program, version) == (100003, 4) else 2
            known = any(each.strip("/").encode() in call for each in exports)
            body = b"" if procedure == 0 or accepted else struct.pack(">I", 0 if known else 2)
            reply = struct.pack(">IIIIII", number, 1, 0, 0, 0, accepted) + body
            connection.sendall(struct.pack(">I", 0x80000000 | len(reply)) + reply)

    def serve() -> None:
        with suppress(OSError):
            while True:
                answer(listener.accept()[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def test_an_export_is_mounted_only_if_its_server_has_it(vc: VCenter, hosts: list[Any]) -> None:
    with _nfs_server(("/export",)) as port:
        vc.exports.ports["127.0.0.1"] = port
        store = _mount(hosts[0], _nas("share", "127.0.0.1", type="NFS41", remoteHostNames=["127.0.0.1"]))
        assert store.summary.type == "NFS41" and store.info.nas.remotePath == "/export"
        for wrong in (
            _nas("other", "127.0.0.1", "/nowhere", type="NFS41"),
            _nas("third", "127.0.0.1", "/third", type="NFS"),
        ):
            with pytest.raises(vim.fault.PlatformConfigFault) as told:
                _mount(hosts[0], wrong)
            assert "NFS mount failed" in told.value.text


def test_a_server_that_is_not_there_is_named(vc: VCenter, hosts: list[Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        vc.exports.ports["127.0.0.1"] = taken.getsockname()[1]
    with pytest.raises(vim.fault.PlatformConfigFault) as told:
        _mount(hosts[0], _nas("gone", "127.0.0.1"))
    assert "127.0.0.1" in told.value.text


def test_two_hosts_that_mount_one_export_have_one_datastore(vc: VCenter, hosts: list[Any]) -> None:
    vc.exports.played["nas", "/export"] = Export(size=8 * GIB, free=4 * GIB)
    store = _mount(hosts[0], _nas("share", connections=4))
    assert (store.summary.capacity, store.summary.freeSpace) == (8 * GIB, 4 * GIB)
    assert store.host[0].mountInfo.numTcpConnections == 4
    with pytest.raises(vim.fault.AlreadyExists):
        _mount(hosts[0], _nas("share"))
    with pytest.raises(vim.fault.HostConfigFault):
        _mount(hosts[1], _nas("another-name"))
    assert _mount(hosts[1], _nas("share")) == store
    assert store.summary.multipleHostAccess
    hosts[0].configManager.datastoreSystem.RemoveDatastore(store)
    assert [each.key for each in store.host] == [hosts[1]]
    hosts[1].configManager.datastoreSystem.RemoveDatastore(store)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        assert store.name


def test_a_name_that_is_taken_is_refused_for_an_export_too(vc: VCenter, hosts: list[Any]) -> None:
    vc.exports.played["nas", "/export"] = Export()
    with pytest.raises(vim.fault.DuplicateName):
        _mount(hosts[0], _nas("datastore-001"))


@pytest.mark.parametrize("wrong", [{"connections": 9}, {"type": "SMB"}, {"remoteHostNames": ["one", "two"]}])
def test_what_cannot_be_mounted_is_an_invalid_argument(hosts: list[Any], wrong: dict[str, Any]) -> None:
    with pytest.raises(vmodl.fault.InvalidArgument):
        _mount(hosts[0], _nas("share", **wrong))


def test_heartbeats_and_io_control_and_a_cluster_keep_a_datastore(
    vc: VCenter, service: Any, datacenter: Any, hosts: list[Any]
) -> None:
    vc.exports.played["nas", "/export"] = Export()
    store = _mount(hosts[0], _nas("kept"))
    cluster = vc.model.of(hosts[0].parent)
    assert isinstance(cluster, ComputeResource)

    def refused() -> str:
        with pytest.raises(vim.fault.ResourceInUse) as told:
            store.DestroyDatastore()
        return str(told.value.msg)

    cluster.heartbeat_to(vc.datastore(store))
    (info,) = hosts[0].parent.RetrieveDasAdvancedRuntimeInfo().heartbeatDatastoreInfo
    assert info.datastore == store and hosts[0] in info.hosts
    assert "HA" in refused()
    cluster.heartbeat_to()
    manager = service.content.storageResourceManager
    spec = vim.StorageResourceManager.IORMConfigSpec
    _waited(manager.ConfigureDatastoreIORM_Task(store, spec(enabled=True)))
    assert store.iormConfiguration.enabled and "I/O Control" in refused()
    _waited(manager.ConfigureDatastoreIORM_Task(store, spec(enabled=False)))
    pod = datacenter.datastoreFolder.CreateStoragePod("pod")
    _waited(pod.MoveIntoFolder_Task([store]))
    assert "pod" in refused() and pod.summary.capacity == store.summary.capacity
    assert hosts[0] in [each.key for each in store.host], "moving it unmounts it nowhere"
    _waited(datacenter.datastoreFolder.MoveIntoFolder_Task([store]))
    store.DestroyDatastore()


def test_a_host_that_goes_away_while_it_mounts_is_named(vc: VCenter, hosts: list[Any]) -> None:
    vc.exports.played["nas", "/export"] = Export()
    host = vc.host(hosts[1])

    def goes(receiver: Any, arguments: dict[str, Any]) -> bool:
        host.set_connection("notResponding")
        return False

    vc.trouble("CreateNasDatastore", when=goes)
    with pytest.raises(vmodl.fault.HostNotConnected) as told:
        _mount(hosts[1], _nas("half"))
    assert host.name in told.value.msg
    assert "half" not in [each.name for each in hosts[0].datastore]


def test_only_options_that_there_are_can_be_set(hosts: list[Any]) -> None:
    options = hosts[0].configManager.advancedOption
    wanted = vim.option.OptionValue(key="Disk.QFullSampleSize", value=support.long(32))
    options.UpdateOptions([wanted])
    assert options.QueryOptions("Disk.QFullSampleSize")[0].value == 32
    with pytest.raises(vim.fault.InvalidName):
        options.UpdateOptions([vim.option.OptionValue(key="Disk.NoSuch", value=1)])


def test_what_checks_of_a_host_look_at_is_in_its_configuration_too(hosts: list[Any]) -> None:
    manager, host = hosts[0].configManager, hosts[0]
    manager.advancedOption.UpdateOptions([vim.option.OptionValue(key="NFS.MaxVolumes", value=support.long(256))])
    assert {each.key: each.value for each in host.config.option}["NFS.MaxVolumes"] == 256
    manager.serviceSystem.StopService("ntpd")
    assert {each.key: each.running for each in host.config.service.service}["ntpd"] is False
    ntp = vim.host.NtpConfig(server=["time.example.test"])
    manager.dateTimeSystem.UpdateDateTimeConfig(vim.host.DateTimeConfig(ntpConfig=ntp))
    assert host.config.dateTimeInfo.ntpConfig.server == ["time.example.test"]
    assert host.config.network.vnic[1].spec.mtu == 9000
    assert host.config.storageDevice.softwareInternetScsiEnabled


def test_a_datastore_with_machines_does_not_go_into_maintenance(service: Any, hosts: list[Any]) -> None:
    (store,) = hosts[0].datastore
    with pytest.raises(vim.fault.ResourceInUse):
        _waited(store.DatastoreEnterMaintenanceMode().task)
    for machine in store.vm:
        machine.UnregisterVM()
    _waited(store.DatastoreEnterMaintenanceMode().task)
    assert store.summary.maintenanceMode == "inMaintenance"


def test_ports_are_bound_to_the_adapter_once(hosts: list[Any]) -> None:
    manager = hosts[0].configManager.iscsiManager
    assert "vmk1" in [each.vnicDevice for each in manager.QueryCandidateNics("vmhba64")]
    manager.BindVnic("vmhba64", "vmk1")
    assert [each.vnicDevice for each in manager.QueryBoundVnics("vmhba64")] == ["vmk1"]
    with pytest.raises(vim.fault.IscsiFaultVnicAlreadyBound):
        manager.BindVnic("vmhba64", "vmk1")
    with pytest.raises(vim.fault.IscsiFaultVnicNotFound):
        manager.BindVnic("vmhba64", "vmk9")


def test_only_who_may_configure_storage_does_so(vc: VCenter, hosts: list[Any]) -> None:
    stub = client.connect(vc, READER)._stub
    storage = vim.host.StorageSystem(hosts[0].configManager.storageSystem._moId, stub)
    with pytest.raises(vim.fault.NoPermission) as told:
        storage.RescanAllHba()
    assert told.value.privilegeId == "Host.Config.Storage"
    assert storage.storageDeviceInfo.softwareInternetScsiEnabled


def test_an_option_is_set_to_a_value_of_its_type_and_range_only(hosts: list[Any]) -> None:
    options = hosts[0].configManager.advancedOption
    for wrong in (256, "256", support.long(300), True):
        with pytest.raises(vmodl.fault.InvalidArgument):
            options.UpdateOptions([vim.option.OptionValue(key="NFS.MaxVolumes", value=wrong)])
    (kind,) = [each.optionType for each in options.supportedOption if each.key == "NFS.MaxVolumes"]
    assert (kind.min, kind.max, kind.defaultValue) == (8, 256, 8)
    assert options.QueryOptions("NFS.MaxVolumes")[0].value == 8


def test_the_adapter_takes_parameters_that_it_has_within_their_range(hosts: list[Any]) -> None:
    storage, parameter = hosts[0].configManager.storageSystem, vim.host.InternetScsiHba.ParamValue

    def now() -> dict[str, Any]:
        (adapter,) = [each for each in storage.storageDeviceInfo.hostBusAdapter if each.device == "vmhba64"]
        return {each.key: each.value for each in adapter.advancedOptions}

    assert (now()["LoginTimeout"], now()["DelayedAck"]) == (5, True)
    good = [parameter(key="LoginTimeout", value=30), parameter(key="DelayedAck", value=False)]
    storage.UpdateInternetScsiAdvancedOptions("vmhba64", None, good)
    assert (now()["LoginTimeout"], now()["DelayedAck"]) == (30, False)
    for key, value in (("LoginTimeout", 61), ("DelayedAck", 0), ("NoSuch", 1)):
        with pytest.raises(vim.fault.HostConfigFault):
            storage.UpdateInternetScsiAdvancedOptions("vmhba64", None, [parameter(key=key, value=value)])


def test_a_service_that_runs_is_not_started_again(hosts: list[Any]) -> None:
    services = hosts[0].configManager.serviceSystem
    with pytest.raises(vim.fault.InvalidState):
        services.StartService("ntpd")
    services.StopService("ntpd")
    with pytest.raises(vim.fault.InvalidState):
        services.StopService("ntpd")
