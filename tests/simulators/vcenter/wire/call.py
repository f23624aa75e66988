"""One call of one client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sessions import Session


@dataclass(slots=True)
class Call:
    """Who calls, and how. `session` is None before login; a method that logs in sets it."""

    version: str
    session: Session | None = None
    address: str = "127.0.0.1"
    agent: str = ""
    # The SOAP header's elements, `operationID` among them.
    context: dict[str, str] = field(default_factory=dict)

    @property
    def who(self) -> Session:
        """The session, in methods that cannot be reached without one."""
        assert self.session is not None
        return self.session
