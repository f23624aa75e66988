"""A volume that a flow makes for itself: once, whatever dies meanwhile, and gone again on the way back."""

from __future__ import annotations

from ....core.errors import Failed, NotFound, Refused
from ....core.journal.step import Run, Wait
from ....core.model.volume import Volume
from ..reasons import because
from .asked import asked
from .stage import Stage, everything
from .wanted import MARK, Wanted


class NewVolume:
    """Steps that several flows share. Data: system; input: name of the volume."""

    _stage: Stage

    def no_volume(self, run: Run) -> Wait | None:
        """What this operation made is gone."""
        made = self._made(run)
        if made is None:
            return None
        storage = self._stage.storage(run)
        try:
            child = asked(run, made.id, lambda key: storage.volumes.delete(made.id, key=key))
            found = self._stage.ended(run, storage, child)
        except NotFound:
            return None
        return found if isinstance(found, Wait) else None

    def _make(self, run: Run, wanted: Wanted) -> Volume | Wait:
        """The volume as it was wanted, in the pool and of the profile that were asked for."""
        storage = self._stage.storage(run)
        # A try before this one may have made it: what is asked then is not asked again.
        made = self._made(run)
        if made is None:
            request = wanted.request(run.operation.id)
            child = asked(run, "volume", lambda key: storage.volumes.create(request, key=key))
            found = self._stage.ended(run, storage, child)
            if isinstance(found, Wait):
                return found
            made = storage.volumes.get(str(found.result["volume"]))
        if made.operation is not None and made.state != "available":
            found = self._stage.ended(run, storage, storage.operations.get(str(made.operation)))
            if isinstance(found, Wait):
                return found
            made = storage.volumes.get(made.id)
            if made.state != "available":
                raise because(Failed, "volume-differs", name=made.name)
        if wanted.pool is not None and made.pool != wanted.pool.id:
            raise because(Refused, "other-pool", pool=wanted.pool.name)
        if made.profile != wanted.profile.id or made.size < wanted.size or not made.identifier:
            raise because(Failed, "volume-differs", name=made.name)
        return made

    def _made(self, run: Run) -> Volume | None:
        """The volume of this operation, whether the journal knows of it or not."""
        listed = everything(self._stage.storage(run).volumes.list, name=run.data["input"]["name"])
        return next((each for each in listed if each.metadata.get(MARK) == run.operation.id), None)
