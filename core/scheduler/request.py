"""What is to be placed, and where it may and may not be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..errors import Invalid
from ..profiles.requirement import Requirement

#: Larger than any pool that can be reported; keeps all arithmetic inside 64 bits.
LARGEST = 1 << 62


class Scope(StrEnum):
    """What a hint compares: the pool itself or the whole back end."""

    POOL = "pool"
    BACKEND = "backend"


@dataclass(frozen=True, slots=True)
class Hint:
    """Where other resources are: ids of pools or of back ends, as `scope` says. Any one of them counts."""

    scope: Scope
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """One decision. `size` is in bytes and rounded up to each pool's granularity.

    `count` objects of that size must fit into the one pool chosen. `near` hints must all hold (same place as one of
    the named), none of `apart` may. `only_pools` limits the choice (extend: the volume's own pool), `exclude_pools`
    are left out (migrate: where it is now). `abilities` are needed besides those of the profile (clone, say).
    `zone` is the caller's; a profile may name one as well, and the two must agree. Raises `Invalid`.
    """

    size: int
    thin: bool
    requirement: Requirement
    zone: str | None = None
    near: tuple[Hint, ...] = ()
    apart: tuple[Hint, ...] = ()
    only_pools: frozenset[str] | None = None
    exclude_pools: frozenset[str] = frozenset()
    abilities: tuple[str, ...] = ()
    count: int = 1

    def __post_init__(self) -> None:
        if self.size < 1 or self.count < 1:
            raise Invalid("A placement needs a size of at least one byte and a count of at least one.")
        if self.size * self.count > LARGEST:
            raise Invalid(f"{self.size * self.count} bytes are more than any pool can hold.", largest=LARGEST)
        named = self.requirement.zone
        if self.zone is not None and named is not None and self.zone != named:
            raise Invalid(
                f"Profile {self.requirement.profile} is for zone {named}, and zone {self.zone} was asked for.",
                next_step="Ask for the profile's zone, or take another profile.",
            )

    @property
    def in_zone(self) -> str | None:
        """The zone it must be in; None for any."""
        return self.zone if self.zone is not None else self.requirement.zone

    @property
    def needed_abilities(self) -> tuple[str, ...]:
        """The abilities the driver must have, each once, in order of name."""
        if not self.abilities and not self.requirement.abilities:
            return ()
        return tuple(sorted({*self.abilities, *self.requirement.abilities}))

    def needed(self, granularity: int) -> int:
        """Bytes to be promised by a pool of this granularity: all `count` objects, each rounded up."""
        unit = max(1, granularity)
        return min(-(-self.size // unit) * unit * self.count, 2 * LARGEST - 1)
