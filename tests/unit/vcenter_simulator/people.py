"""Who uses the simulated vCenters of these tests."""

from __future__ import annotations

from typing import Any

from tests.simulators.vcenter import Grant, Role, Specification, User

OPERATOR = User("operator@vsphere.local", "Operator-1", (Grant("Datastore operator", "datastore-001"),))
READER = User("reader@vsphere.local", "Reader-1", (Grant("ReadOnly"),))
STRANGER = User("stranger@vsphere.local", "Stranger-1", ())
ROLES = (Role("Datastore operator", ("Datastore.Rename", "Datastore.Delete", "Task.Create")),)


def specification(**more: Any) -> Specification:
    """A small vCenter with users of different rights."""
    users = (*Specification().users, OPERATOR, READER, STRANGER)
    return Specification(users=users, roles=ROLES, **more)
