"""ServiceInstance: where every client starts."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import vim
from ..wire.call import Call

if TYPE_CHECKING:
    from ..sessions import Session


class ServiceInstance(Managed):
    """The content names the managers of this vCenter; what it does not have is unset there."""

    KIND = vim.ServiceInstance

    @computed("content")
    def content(self, session: Session | None) -> Any:
        """ServiceContent."""
        return vim.ServiceInstanceContent(
            rootFolder=self.vc.root.ref,
            about=self.about(),
            **{name: each.ref for name, each in self.vc.managers.items()},
        )

    @computed("serverClock")
    def server_clock(self, session: Session | None) -> datetime:
        """Now."""
        return self.vc.clock.now()

    @computed("capability")
    def capability(self, session: Session | None) -> Any:
        """What any vCenter says."""
        return vim.Capability(provisioningSupported=True, multiHostSupported=True, userShellAccessSupported=False)

    def about(self) -> Any:
        """AboutInfo of the release that is played."""
        release = self.vc.release
        return vim.AboutInfo(
            name="VMware vCenter Server",
            fullName=f"VMware vCenter Server {release.version} build-{release.build}",
            vendor="VMware, Inc.",
            version=release.version,
            build=release.build,
            localeVersion="INTL",
            localeBuild="000",
            osType="linux-x64",
            productLineId="vpx",
            apiType="VirtualCenter",
            apiVersion=release.api_version,
            instanceUuid=self.vc.guid,
            licenseProductName="VMware VirtualCenter Server",
            licenseProductVersion=f"{release.version.partition('.')[0]}.0",
        )

    def RetrieveServiceContent(self, call: Call) -> Any:
        return self.content(call.session)

    def CurrentTime(self, call: Call) -> datetime:
        return self.vc.clock.now()
