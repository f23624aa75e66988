"""Who is before the browser, and where."""

from __future__ import annotations

from ..objects import ObjectId
from .exchange import Exchange
from .route import Reply, Route


def _session(x: Exchange) -> Reply:
    target = x.target
    actions = x.surface.on(target.kind) if target.kind else x.surface.free()
    wanted = sorted({action.privilege for action in actions if action.privilege})
    admission = x.admitted(*wanted)
    context = admission.context
    place = x.platform.place(x.sender, target, admission)
    return Reply(
        {
            "user": context.user,
            "role": next(iter(sorted(context.roles)), ""),
            "tenant": place.tenant,
            "vcenter": {"guid": target.guid, "name": place.vcenter},
            "object": _object(target, place.name),
            "version": x.platform.version,
            "missing_privileges": sorted(admission.missing),
        }
    )


def _object(target: ObjectId, name: str) -> dict[str, str] | None:
    return {"id": str(target), "kind": target.kind, "name": name} if target.kind else None


ROUTES = (Route("GET", "session", _session),)
