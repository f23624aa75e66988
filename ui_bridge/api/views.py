"""What a page shows."""

from __future__ import annotations

from datetime import UTC, datetime

from .exchange import Exchange
from .route import Reply, Route


def _view(x: Exchange) -> Reply:
    view = x.words["view"]
    blocks = x.platform.content(view, x.admitted(), x.target, x.locale)
    return Reply(
        {
            "title": x.text(f"view.{view}.title"),
            "blocks": [each.to_json() for each in blocks],
            "refreshed_at": datetime.now(UTC).isoformat(),
        }
    )


ROUTES = (Route("GET", "views/{view}", _view),)
