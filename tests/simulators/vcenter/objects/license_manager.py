"""LicenseManager: one licence that allows everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import vim

if TYPE_CHECKING:
    from ..sessions import Session


class LicenseManager(Managed):
    """Shows the evaluation licence."""

    KIND = vim.LicenseManager

    @computed("licenses")
    def licenses(self, session: Session | None) -> list[Any]:
        """The one there is."""
        return [
            vim.LicenseManager.LicenseInfo(
                licenseKey="00000-00000-00000-00000-00000",
                editionKey="eval",
                name="Evaluation Mode",
                total=0,
                used=0,
                costUnit="",
            )
        ]

    @computed("licensedEdition")
    def edition(self, session: Session | None) -> str:
        """Evaluation."""
        return "eval"
