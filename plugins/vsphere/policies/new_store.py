"""A datastore that was just made gets the tag of its profile at once."""

from __future__ import annotations

import logging

from ....core.errors import IsthmusError
from ....core.journal.step import Run
from ..actions.stage import Stage
from .keeper import Keeper
from .setting import PROFILE_POLICIES

_log = logging.getLogger(__name__)


def tag_new_store(stage: Stage, run: Run, moid: str) -> None:
    """For the last step of a flow that made the datastore (id). Tag and policy of its profile are made where there are
    none; those of other profiles are not the business of whoever asked. Notes in the result whether it has the tag;
    where that failed the datastore is there all the same, and the duty makes up for it."""
    if not stage.settings.get(PROFILE_POLICIES):
        return
    try:
        keeper = Keeper(
            stage.reaches,
            stage.systems(),
            run.data["vcenter"],
            lambda connection: [connection.reference("Datastore", moid)],
            alone=True,
        )
        keeper.mend()
        census = keeper.census()
        run.result["tagged"] = any(census.our_tags(each) == {census.wanted_tag(each)} for each in census.stores)
    except IsthmusError as error:
        _log.warning("the datastore %s was not tagged: %s", moid, error)
        run.result["tagged"] = False
