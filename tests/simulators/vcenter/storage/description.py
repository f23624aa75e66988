"""An adapter and its disks as the API describes them: adapters, LUNs, topology and paths."""

from __future__ import annotations

from typing import Any

from ..registry import vim
from .adapter import KEY, Adapter, Target
from .disk import ACTIVE, PDL, Disk, Path

_LOCAL = "key-vim.host.BlockHba-vmhba0"
_QUEUE = 128


def device_info(adapter: Adapter, disks: list[Disk]) -> Any:
    """StorageDeviceInfo."""
    adapters = [
        vim.host.BlockHba(
            key=_LOCAL, device="vmhba0", bus=0, status="unknown", model="Simulated AHCI", driver="vmw_ahci",
            storageProtocol="scsi",
        ),
        adapter.described(),
    ]  # fmt: skip
    return vim.host.StorageDeviceInfo(
        hostBusAdapter=adapters,
        scsiLun=[scsi_disk(each) for each in disks],
        scsiTopology=vim.host.ScsiTopology(adapter=[_interface(adapters[0].key, []), _interface(KEY, disks)]),
        multipathInfo=vim.host.MultipathInfo(lun=[_multipath(each) for each in disks]),
        softwareInternetScsiEnabled=adapter.enabled,
    )


def scsi_disk(disk: Disk) -> Any:
    """HostScsiDisk."""
    durable = vim.host.ScsiLun.DurableName(
        namespace="GENERIC_VPD", namespaceId=5, data=[_signed(each) for each in disk.page]
    )
    return vim.host.ScsiDisk(
        key=disk.key,
        uuid=disk.uuid,
        deviceName=disk.device_path,
        deviceType="disk",
        descriptor=[vim.host.ScsiLun.Descriptor(quality="highQuality", id=disk.name)],
        canonicalName=disk.name,
        displayName=disk.label or f"{disk.vendor} iSCSI Disk ({disk.name})",
        lunType="disk",
        vendor=disk.vendor,
        model=disk.model,
        revision=disk.revision,
        scsiLevel=disk.inquiry[2],
        serialNumber=disk.serial or "unavailable",
        durableName=durable,
        alternateName=[durable],
        standardInquiry=[_signed(each) for each in disk.inquiry],
        queueDepth=_QUEUE,
        operationalState=_state(disk),
        capabilities=vim.host.ScsiLun.Capabilities(updateDisplayNameSupported=True),
        vStorageSupport="vStorageUnknown",
        protocolEndpoint=False,
        perenniallyReserved=False,
        capacity=vim.host.DiskDimensions.Lba(blockSize=disk.block, block=disk.size // disk.block),
        devicePath=disk.device_path,
        ssd=False,
        localDisk=False,
        scsiDiskType="native512" if disk.block == 512 else "native4k",
    )


def _state(disk: Disk) -> list[str]:
    if disk.detached:
        return ["off"]
    if disk.lost is None:
        return ["ok"]
    return ["lostCommunication" if disk.lost == PDL else "error"]


def _interface(key: str, disks: list[Disk]) -> Any:
    targets: dict[Target, list[tuple[Disk, Path]]] = {}
    for disk in disks:
        for path in disk.paths:
            targets.setdefault(path.target, []).append((disk, path))
    return vim.host.ScsiTopology.Interface(
        key=f"key-vim.host.ScsiTopology.Interface-{key}",
        adapter=key,
        target=[
            vim.host.ScsiTopology.Target(
                key=f"key-vim.host.ScsiTopology.Target-{target.name}-{target.portal.text}",
                target=found[0][1].number,
                transport=_transport(target),
                lun=[
                    vim.host.ScsiTopology.Lun(
                        key=f"key-vim.host.ScsiTopology.Lun-{path.key}", lun=path.lun, scsiLun=disk.key
                    )
                    for disk, path in found
                ],
            )
            for target, found in targets.items()
        ],
    )


def _multipath(disk: Disk) -> Any:
    key = f"key-vim.host.MultipathInfo.LogicalUnit-{disk.uuid}"
    return vim.host.MultipathInfo.LogicalUnit(
        key=key,
        id=disk.uuid,
        lun=disk.key,
        path=[
            vim.host.MultipathInfo.Path(
                key=f"key-vim.host.MultipathInfo.Path-{path.key}",
                name=path.name,
                pathState=path.state,
                state=path.state,
                isWorkingPath=path.state == ACTIVE,
                adapter=KEY,
                lun=key,
                transport=_transport(path.target),
            )
            for path in disk.paths
        ],
        policy=vim.host.MultipathInfo.LogicalUnitPolicy(policy=disk.policy),
        storageArrayTypePolicy=vim.host.MultipathInfo.LogicalUnitStorageArrayTypePolicy(policy="VMW_SATP_ALUA"),
    )


def _transport(target: Target) -> Any:
    return vim.host.InternetScsiTargetTransport(iScsiName=target.name, iScsiAlias="", address=[target.portal.text])


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte
