"""Names that are sent, whatever a service takes."""

from __future__ import annotations

from ....core.errors import Invalid


def checked_name(name: str) -> str:
    """1 to 255 printable characters without slashes and without spaces at the ends; raises `Invalid`.

    The same as everywhere in Isthmus, so that a plugin needs no other rule for a system of another maker.
    """
    if (
        not 0 < len(name) <= 255
        or not name.isprintable()
        or {"/", "\\"} & set(name)
        or name in (".", "..")
        or name != name.strip()
    ):
        raise Invalid(
            "The name is not usable.",
            next_step="Use 1 to 255 printable characters, without slashes and without spaces at the ends.",
            field="name",
        )
    return name
