"""Where actions on the inventory are asked for: whose session counts, and how a flow is begun with it.

Who comes from a vCenter acts there in the own session: it is asked when something is checked, and a clone of it, made
for the operation alone, is sealed before the operation is accepted. A user of Isthmus has no session at a vCenter: what
such a user may do is decided here, by role and tenant, and done with the plug-in's service account.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ....core.context import Context
from ....core.errors import Forbidden, Invalid, IsthmusError, NotFound, Unauthenticated
from ....core.model.operation import Operation
from ....plugin_manager.action import Call, Subject
from ....plugin_manager.contract import Submit
from ....ui_bridge.objects import ObjectId
from ..connection.sealed_sessions import SealedSessions
from ..connection.sessions import UserSession, UserSessions
from ..connection.soap import Connection, Who
from ..inventory.glance import glanced
from ..reasons import because
from ..vcenters.privileges import principal
from ..vcenters.reach import Reach, Reaches
from .exclusion import Exclusion

Answer = TypeVar("Answer")
SECONDS = 20.0
OF_TASKS = ("Task.Create", "Task.Update")
"""What every operation takes: whoever begins it makes its task, and makes it run."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A caller before an object of the inventory. `session` is None for a user of Isthmus."""

    context: Context
    target: ObjectId
    reach: Reach
    session: UserSession | None

    def ask(self, work: Callable[[Connection, Who], Answer]) -> Answer:
        """What `work` finds in the caller's session."""
        guid, held = self.target.guid, self.session

        def asked(connection: Connection, who: Who) -> Answer:
            return work(glanced(guid, connection, who), who)

        if held is None:
            return self.reach.as_service(asked, seconds=SECONDS)
        return self.reach.line.call(lambda: asked(held.connection, held.who), seconds=SECONDS)

    def demand(self, connection: Connection, who: Who, entity: Any, *privileges: str) -> None:
        """Raises `Forbidden`, naming what is missing on the entity."""
        missing = sorted(set(privileges) - connection.privileges(entity, who.key, privileges))
        if missing:
            name = str(connection.read(entity, "name").get("name", entity._moId))
            raise because(Forbidden, "privilege", privileges=", ".join(missing), entity=name)


class Desk:
    """One for the process."""

    def __init__(
        self,
        reaches: Reaches,
        sessions: UserSessions,
        sealed: SealedSessions,
        submit: Submit,
        exclusion: Exclusion,
    ) -> None:
        self.reaches, self._sessions, self._sealed, self._submit = reaches, sessions, sealed, submit
        self._exclusion = exclusion

    def seat(self, call: Call) -> Seat:
        """Raises `Invalid` for an object of another kind than the call says, `NotFound` for a vCenter of another tenant
        or none, `Unauthenticated` for a person from a vCenter whose session has ended."""
        subject = call.subject or Subject("", "")
        target = ObjectId.parse(subject.id)
        if target.kind != subject.kind:
            error = because(Invalid, "other-kind", object=subject.id, type=target.kind, wanted=subject.kind)
            error.details["field"] = "subject"
            raise error
        return self.seated(call.context, target)

    def seated(self, context: Context, target: ObjectId) -> Seat:
        """As `seat`, before an object that is known already."""
        reach = self.reaches.get(target.guid)
        vcenter = reach.vcenter
        if context.tenant != vcenter.tenant:
            raise because(NotFound, "other-tenant", vcenter=target.guid)
        session = None
        if context.user.endswith(f"@{vcenter.name}"):
            user = context.user.removesuffix(f"@{vcenter.name}")
            session = self._sessions.belonging(target.guid, lambda who: principal(who.user) == user)
            if session is None:
                raise because(Unauthenticated, "no-session", vcenter=vcenter.name)
        return Seat(context, target, reach, session)

    def demand_task(self, seat: Seat) -> None:
        """Raises `Forbidden` where the vCenter would not let the operation be a task of it."""

        def demanded(connection: Connection, who: Who) -> None:
            subject = connection.reference(seat.target.kind, seat.target.moid)
            seat.demand(connection, who, subject, *OF_TASKS)

        seat.ask(demanded)

    def begin(self, call: Call, kind: str, action: str) -> Operation:
        """Accept an operation of the flow `kind`. The same under the same key."""
        seat = self.seat(call)
        self.demand_task(seat)
        self._exclusion.demand_free(call.context, seat.target.kind, str(seat.target), call.key)
        session, made = None, False
        if seat.session is not None:
            named = f"{seat.context.tenant}/{seat.context.user}/{call.key}"
            session = str(uuid.uuid5(uuid.NAMESPACE_URL, named) if call.key else uuid.uuid4())
            user, endpoint, guid = seat.session.connection, seat.reach.vcenter.endpoint, seat.target.guid
            made = seat.reach.line.call(lambda: self._sealed.keep(session, endpoint, guid, user), seconds=SECONDS)
        data: dict[str, Any] = {
            "action": action,
            "input": dict(call.input),
            "subject": {"kind": seat.target.kind, "id": str(seat.target)},
            "vcenter": seat.target.guid,
            "session": session,
        }
        if "system" in call.input:
            data["system"] = call.input["system"]
        try:
            operation = self._submit(
                kind, call.context, resource_type=seat.target.kind, resource=str(seat.target), data=data, key=call.key
            )
        except IsthmusError:
            self._let_go(seat, session, made)
            raise
        if session is not None:
            self._sealed.belong(session, operation.id)
        if operation.state.ended:
            # The key is that of an operation which has ended: nobody needs the session that was made just now.
            self._let_go(seat, session, made)
        return operation

    def _let_go(self, seat: Seat, session: str | None, made: bool) -> None:
        """One that was there before is that of an operation which goes on."""
        if session is not None and made:
            endpoint = seat.reach.vcenter.endpoint
            seat.reach.line.call(lambda: self._sealed.end(session, endpoint), seconds=SECONDS)
