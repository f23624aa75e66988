"""Storage policies of a vCenter (`/pbm/sdk`), in the session of a connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ....core.errors import Conflict
from ..connection.faults import text_of, translated
from ..connection.soap import CALL_SECONDS, Connection
from ..connection.vmodl import pbm, stub_adapter

_VERSION = "pbm.version.version11"
# Of 6.5: all releases that are served know it.
_TAGS = "http://www.vmware.com/storage/tag"
_REQUIREMENT = "REQUIREMENT"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy of virtual machines. `wants` are the names of the tags of one category, where nothing else is wanted."""

    id: str
    name: str
    description: str
    wants: tuple[str, ...]


class PolicyService:
    """A context manager: the sockets are let go at its end; the session is the connection's.

    Raises what a connection raises, and `Conflict` when a policy of others has the name.
    """

    def __init__(self, connection: Connection, *, seconds: float = CALL_SECONDS) -> None:
        endpoint = self._endpoint = connection.endpoint
        self._stub: Any = stub_adapter(
            host=endpoint.host,
            port=endpoint.port,
            path="/pbm/sdk",
            version=_VERSION,
            sslContext=endpoint.trust.context(),
            httpConnectionTimeout=seconds,
            requestContext={"vcSessionCookie": connection.cookie},
        )
        self._content: Any = None

    def __enter__(self) -> Self:
        with translated(self._endpoint):
            self._content = pbm.ServiceInstance("ServiceInstance", self._stub).RetrieveContent()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stub.DropConnections()

    def policies(self, category: str) -> list[Policy]:
        """All of virtual machines; of what they want only tags of `category` are told."""
        manager = self._content.profileManager
        with translated(self._endpoint):
            found = manager.QueryProfile(pbm.profile.ResourceType(resourceType="STORAGE"), _REQUIREMENT)
            contents = manager.RetrieveContent(found) if found else ()
        return [
            Policy(str(each.profileId.uniqueId), str(each.name), str(each.description or ""), _wants(each, category))
            for each in contents
        ]

    def make(self, name: str, description: str, category: str, tag: str) -> str:
        """A policy that datastores with the tag satisfy; its id."""
        spec = pbm.profile.CapabilityBasedProfileCreateSpec(
            name=name,
            description=description,
            category=_REQUIREMENT,
            resourceType=pbm.profile.ResourceType(resourceType="STORAGE"),
            constraints=_rules(category, tag),
        )
        with self._names(name):
            return str(self._content.profileManager.Create(spec).uniqueId)

    def change(self, policy: str, name: str, description: str, category: str, tag: str) -> None:
        """Another name, description and tag."""
        spec = pbm.profile.CapabilityBasedProfileUpdateSpec(
            name=name, description=description, constraints=_rules(category, tag)
        )
        with self._names(name):
            self._content.profileManager.Update(pbm.profile.ProfileId(uniqueId=policy), spec)

    def rename(self, policy: str, name: str) -> None:
        """Another name only."""
        with self._names(name):
            spec = pbm.profile.CapabilityBasedProfileUpdateSpec(name=name)
            self._content.profileManager.Update(pbm.profile.ProfileId(uniqueId=policy), spec)

    def users(self, policy: str) -> int:
        """How many machines and disks have it."""
        with translated(self._endpoint):
            found = self._content.profileManager.QueryAssociatedEntity(pbm.profile.ProfileId(uniqueId=policy), None)
        return len(found or ())

    def delete(self, policy: str) -> bool:
        """Whether it is gone; it stays while machines have it."""
        with translated(self._endpoint):
            outcomes = self._content.profileManager.Delete([pbm.profile.ProfileId(uniqueId=policy)])
            for each in outcomes or ():
                if isinstance(each.fault, pbm.fault.ResourceInUse):
                    return False
                if each.fault is not None and not isinstance(each.fault, pbm.fault.NotFound):
                    raise each.fault
        return True

    def matching(self, policy: str) -> frozenset[str]:
        """The ids of the datastores that satisfy it."""
        with translated(self._endpoint):
            found = self._content.placementSolver.QueryMatchingHub(None, pbm.profile.ProfileId(uniqueId=policy))
        return frozenset(str(each.hubId) for each in found or ())

    @contextmanager
    def _names(self, name: str) -> Iterator[None]:
        with translated(self._endpoint):
            try:
                yield
            except (pbm.fault.DuplicateName, pbm.fault.AlreadyExists) as fault:
                raise Conflict(
                    f"vCenter {self._endpoint.address} has another storage policy {name}: {text_of(fault)}",
                    next_step="Rename the policy or the profile.",
                ) from None


def _rules(category: str, tag: str) -> Any:
    capability = pbm.capability
    wanted = capability.PropertyInstance(
        id=f"com.vmware.storage.tag.{category}.property", value=capability.types.DiscreteSet(values=[tag])
    )
    instance = capability.CapabilityInstance(
        id=capability.CapabilityMetadata.UniqueId(namespace=_TAGS, id=category),
        constraint=[capability.ConstraintInstance(propertyInstance=[wanted])],
    )
    constraints = pbm.profile.SubProfileCapabilityConstraints
    return constraints(subProfiles=[constraints.SubProfile(name=category, capability=[instance])])


def _wants(found: Any, category: str) -> tuple[str, ...]:
    rules: Any = getattr(getattr(found, "constraints", None), "subProfiles", None) or []
    if len(rules) != 1 or len(rules[0].capability) != 1:
        return ()
    capability = rules[0].capability[0]
    if (capability.id.namespace, capability.id.id) != (_TAGS, category) or len(capability.constraint) != 1:
        return ()
    properties = capability.constraint[0].propertyInstance
    if len(properties) != 1 or properties[0].operator:
        return ()
    return tuple(str(each) for each in getattr(properties[0].value, "values", None) or ())
