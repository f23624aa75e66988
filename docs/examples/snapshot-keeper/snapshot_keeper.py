"""A small plugin for Isthmus: snapshots of a volume at regular times, of which the last few are kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from isthmus.adapters.contract import Storage
from isthmus.core.context import Context
from isthmus.core.duties.duty import Duty, DutyRun
from isthmus.core.errors import Failed, Invalid, NotFound, Stale
from isthmus.core.journal.step import Flow, Run, Step, Wait
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.page import Query
from isthmus.core.model.record import Record
from isthmus.core.model.request import SnapshotRequest
from isthmus.core.model.snapshot import Snapshot
from isthmus.plugin_manager.base import Base
from isthmus.plugin_manager.contract import LOCAL_SYSTEM, Action, Application, Call

FLOW = "keeper.snapshot"
PLAN = "plan"
MARK = {"made-by": "keeper"}
KEEP = {"type": "integer", "minimum": 1, "maximum": 64, "default": 7}
HOURS = {"type": "integer", "minimum": 1, "maximum": 8760, "default": 24}


class KeeperPlugin(Base):
    """Actions `snapshot` (now) and `protect` (regularly), the flow behind both, and the duty that begins it."""

    name: ClassVar[str] = "keeper"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "look": {
                "type": "number",
                "minimum": 1,
                "default": 60,
                "description": "How often to look for what is due, in seconds.",
            }
        },
    }

    def actions(self) -> Sequence[Action]:
        return (
            Action(
                "snapshot",
                "Take a snapshot and keep the last few",
                "snapshot:create",
                kinds=("volume",),
                input={"type": "object", "additionalProperties": False, "properties": {"keep": KEEP}},
                flow=FLOW,
            ),
            Action(
                "protect",
                "Take snapshots at regular times",
                "snapshot:create",
                kinds=("volume",),
                input={"type": "object", "additionalProperties": False, "properties": {"keep": KEEP, "hours": HOURS}},
                run=self.protect,
            ),
        )

    def flows(self) -> Sequence[Flow]:
        # From `prune` on something is destroyed, so from there on there is no way back.
        return (Flow(FLOW, (Step("take", self.take, self.take_back), Step("prune", self.prune)), pivot="prune"),)

    def duties(self) -> Sequence[Duty]:
        return (Duty("keeper.due", interval=float(self.setup.settings["look"]), run=self.look),)

    def protect(self, call: Call) -> Mapping[str, Any]:
        """Write down what is wanted. The same call again changes nothing."""
        if call.subject is None:
            raise Invalid("Name the volume.", field="subject")
        volume = self.storage(call.context).volumes.get(call.subject.id)
        body = {"user": call.context.user, **call.input}
        known = self.setup.records.get(PLAN, volume.id)
        if known is None:
            self.setup.records.put(Record(PLAN, volume.id, body, tenant=volume.tenant))
        else:
            self.setup.records.replace(Record(PLAN, volume.id, body, tenant=volume.tenant, version=known.version))
        return {"volume": volume.id, **call.input}

    def look(self, run: DutyRun) -> None:
        """Begin what is due. The key names the period, so that a second run of the duty begins nothing twice."""
        for plan in self.setup.records.list(PLAN, limit=1000):
            if not run.go_on():
                return
            period = int(time.time() // (plan.body["hours"] * 3600))
            if plan.body.get("period") == period:
                continue
            context = Context(plan.tenant, plan.body["user"], frozenset({"member"}))
            data = {"input": {"keep": plan.body["keep"]}, "subject": {"kind": "volume", "id": plan.id}}
            key = f"{plan.id}/{period}"
            self.setup.submit(FLOW, context, resource_type="volume", resource=plan.id, data=data, key=key)
            try:
                body = {**plan.body, "period": period}
                self.setup.records.replace(Record(PLAN, plan.id, body, tenant=plan.tenant, version=plan.version))
            except (Stale, NotFound):
                continue

    def take(self, run: Run) -> Wait | None:
        wanted = SnapshotRequest(run.data["subject"]["id"], f"keeper-{run.operation.id[:8]}", metadata=MARK)
        child = self.storage(run.context).snapshots.create(wanted, key=run.key)
        if child.state.live:
            return Wait(child.id)
        run.data["snapshot"] = run.result["snapshot"] = result_of(child)["snapshot"]
        return None

    def take_back(self, run: Run) -> Wait | None:
        """Nothing of it stays. What the step itself began the journal has cancelled and awaited before."""
        snapshots = self.storage(run.context).snapshots
        for snapshot in self.kept(snapshots.list, run.data["subject"]["id"]):
            if snapshot.name == f"keeper-{run.operation.id[:8]}":
                return ended(snapshots.delete(snapshot.id, key=f"{run.key}/{snapshot.id}"))
        return None

    def prune(self, run: Run) -> Wait | None:
        snapshots = self.storage(run.context).snapshots
        for snapshot in self.kept(snapshots.list, run.data["subject"]["id"])[run.data["input"]["keep"] :]:
            try:
                waiting = ended(snapshots.delete(snapshot.id, key=f"{run.key}/{snapshot.id}"))
            except NotFound:
                continue
            if waiting is not None:
                return waiting
        return None

    def kept(self, listed: Callable[[Query], Any], volume: str) -> list[Snapshot]:
        """The snapshots of the volume that are ours, the latest first."""
        page = listed(Query(filters={"volume": volume}, sort="-created_at", limit=1000))
        return [snapshot for snapshot in page.items if snapshot.metadata.get("made-by") == MARK["made-by"]]

    def storage(self, context: Context) -> Storage:
        return self.setup.systems[LOCAL_SYSTEM].storage(context)

    def prefixes(self) -> Sequence[str]:
        return ("/keeper",)

    def wsgi(self) -> Application:
        return self.answer

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """`GET /keeper`: how many volumes are protected. It tells nothing about anybody, so it asks for no token."""
        environ["isthmus.route"] = "/keeper"
        count = len(self.setup.records.list(PLAN, limit=1000))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"protected": count}).encode()]


def result_of(child: Operation) -> Mapping[str, Any]:
    """What an operation that has ended made; raises `Failed` with its reason when it made nothing."""
    if child.state is not OperationState.DONE:
        raise Failed((child.error or {}).get("message", f"{child.kind} is {child.state.value}"))
    return child.result


def ended(child: Operation) -> Wait | None:
    """`Wait` for a child that is under way; None when it is done; raises `Failed` when it failed."""
    if child.state.live:
        return Wait(child.id)
    result_of(child)
    return None
