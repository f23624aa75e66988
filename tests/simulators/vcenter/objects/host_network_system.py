"""HostNetworkSystem: as much of a host's network as storage needs to be told of."""

from __future__ import annotations

from ..registry import vim
from .host_system import HostPart, HostSystem


class HostNetworkSystem(HostPart):
    """One switch, two ports of the kernel: management, and storage with jumbo frames."""

    KIND = vim.host.NetworkSystem

    def __init__(self, host: HostSystem, moid: str) -> None:
        super().__init__(host, moid)
        number = 10 + host.vc.model.number() % 200
        self.set(
            "networkInfo",
            vim.host.NetworkInfo(
                vnic=[_port("vmk0", f"192.0.2.{number}", 1500), _port("vmk1", f"198.51.100.{number}", 9000)],
                dnsConfig=vim.host.DnsConfig(dhcp=False, hostName=host.name, domainName="", address=["192.0.2.1"]),
            ),
        )
        host.set("config.network", self.get("networkInfo"))
        self.set("dnsConfig", self.get("networkInfo.dnsConfig"))


def _port(device: str, address: str, mtu: int) -> object:
    return vim.host.VirtualNic(
        device=device,
        key=f"key-vim.host.VirtualNic-{device}",
        portgroup=device,
        spec=vim.host.VirtualNic.Specification(
            ip=vim.host.IpConfig(dhcp=False, ipAddress=address, subnetMask="255.255.255.0"),
            mac=f"00:50:56:00:{mtu >> 8:02x}:{int(address.rpartition('.')[2]):02x}",
            mtu=mtu,
            tsoEnabled=True,
        ),
    )
