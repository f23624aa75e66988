"""`sync-profiles`: tags and storage policies of a vCenter are brought in step with the profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import Failed, Forbidden, NotFound
from ....core.journal.step import Run
from ....plugin_manager.action import Call
from ....ui_bridge.objects import ObjectId
from ..connection.errors import no_account
from ..connection.soap import Connection, Who
from ..policies.keeper import Keeper
from ..policies.stores import all_below
from ..reasons import because
from ..vcenters.privileges import MANAGE
from .desk import Desk
from .stage import Stage


class SyncProfiles:
    """Checks, plans and does it, as the service account: tags and policies of the whole vCenter, and the datastores of
    the datacenter. So it is for those who manage the whole vCenter. From the first tag on it is repeated until all is
    in step: each part mends what it finds."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """There is an account to do it with, and a person may manage all of the vCenter."""
        seat = self._desk.seat(call)
        if not seat.reach.account.user:
            raise no_account(seat.reach.vcenter.name)
        if seat.session is not None and not seat.ask(_manages_all):
            raise because(Forbidden, "whole-vcenter", privilege=MANAGE, vcenter=seat.reach.vcenter.name)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """What is not in step."""
        found = self._keeper(self._desk.seat(call).target).census().deviations()
        return {"found": [{"name": each.name, "kind": each.kind, **each.values, "mends": each.mends} for each in found]}

    def compare(self, run: Run) -> None:
        """What is not in step, for the result."""
        run.result["found"] = [each.to_json() for each in self._of(run).census().deviations()]

    def tags(self, run: Run) -> None:
        """A tag for each profile."""
        self._of(run).make_tags()

    def policies(self, run: Run) -> None:
        """A policy for each profile."""
        self._of(run).make_policies()

    def datastores(self, run: Run) -> None:
        """Each datastore has the tag of its profile."""
        self._of(run).tag_stores()

    def prune(self, run: Run) -> None:
        """Tags and policies of former profiles go."""
        self._of(run).prune()

    def read_back(self, run: Run) -> None:
        """All is in step but for what only a person can mend, and the vCenter finds datastores by their policies."""
        keeper = self._of(run)
        found = keeper.census().deviations()
        wrong = [each for each in found if each.mends] or keeper.unmatched()
        if wrong:
            raise because(Failed, "profiles-differ", what=" ".join(each.text() for each in wrong[:5]))
        run.result["left"] = [each.to_json() for each in found]

    def _of(self, run: Run) -> Keeper:
        return self._keeper(ObjectId.parse(run.data["subject"]["id"]))

    def _keeper(self, target: ObjectId) -> Keeper:
        return Keeper(
            self._stage.reaches,
            self._stage.systems(),
            target.guid,
            lambda connection: all_below(connection, connection.reference(target.kind, target.moid)),
        )


def _manages_all(connection: Connection, who: Who) -> bool:
    try:
        return bool(connection.privileges(connection.content.rootFolder, who.key, (MANAGE,)))
    except (Forbidden, NotFound):
        return False  # who does not even see the root folder
