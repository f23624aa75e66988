"""PbmServiceInstance: where clients of storage policies start."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import pbm
from ..wire.call import Call

if TYPE_CHECKING:
    from ..sessions import Session


class PolicyServiceInstance(Managed):
    """Its content names the managers."""

    KIND = pbm.ServiceInstance

    @computed("content")
    def content(self, session: Session | None) -> Any:
        """PbmServiceInstanceContent."""
        objects = self.vc.policies.objects
        return pbm.ServiceInstanceContent(
            aboutInfo=pbm.AboutInfo(name="PBM", version=self.vc.release.version, instanceUuid=self.vc.guid),
            sessionManager=objects["SessionManager"].ref,
            capabilityMetadataManager=objects["CapabilityMetadataManager"].ref,
            profileManager=objects["ProfileManager"].ref,
            complianceManager=objects["complianceManager"].ref,
            placementSolver=objects["placementSolver"].ref,
        )

    def PbmRetrieveServiceContent(self, call: Call) -> Any:
        return self.content(call.session)
