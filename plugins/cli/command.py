"""What all commands have in common: the session, errors that say what to do next, exit codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ...core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    IsthmusError,
    LimitExceeded,
    NoPlacement,
    NotFound,
    Overloaded,
    Unauthenticated,
    Unavailable,
)
from . import output
from .document import details
from .session import Session

F = TypeVar("F", bound=Callable[..., Any])

OPERATION_FAILED = 8
NEEDS_ATTENTION = 9
STILL_RUNNING = 10
_CODES: tuple[tuple[type[IsthmusError], int], ...] = (
    (Invalid, 2),
    (NotFound, 3),
    (Forbidden, 4),
    (Unauthenticated, 4),
    (LimitExceeded, 6),
    (NoPlacement, 6),
    (Conflict, 5),
    (Overloaded, 7),
    (Unavailable, 7),
)
EXIT_CODES = """\b
Exit codes:
  0  done                       5  not possible now (busy, in use, changed)
  1  any other failure          6  no room, or a limit reached
  2  the request is not usable  7  the server does not answer, or is overloaded
  3  there is no such thing     8  the operation failed and was undone
  4  not allowed                9  the operation needs attention
                               10  it was waited for, and goes on"""


_TRIED = "isthmus.tried"


class Group(click.Group):
    """A group whose commands end with a sentence and the next step instead of a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IsthmusError as error:
            complain(error, kept=not ctx.meta.get(_TRIED))
            ctx.exit(exit_code(error))


def exit_code(error: IsthmusError) -> int:
    """The exit code for an error's class."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), 1)


def complain(error: IsthmusError, *, kept: bool = True) -> None:
    """Say on standard error what went wrong and what to do. Why a placement was refused is `kept` by the server, unless
    it was only tried."""
    click.secho(f"Error: {error.message}", err=True, fg="red")
    for fault in error.details.get("faults", [])[1:]:
        click.echo(
            f"       {fault.get('pointer', fault.get('path', ''))}: {fault.get('fault', fault.get('message'))}",
            err=True,
        )
    if error.next_step:
        click.echo(f"       {error.next_step}", err=True)
    request_id, operation = error.details.get("request_id"), error.details.get("operation")
    known = request_id if kept and error.details.get("explanation") else operation
    said = [f"Request {request_id}"] if request_id else []
    said += [f"see `isthmus explain {known}`"] if known else []
    if said:
        click.echo(f"       {'; '.join(said)}.", err=True)


pass_session = click.make_pass_decorator(Session)


def listed_by(sort: str) -> Callable[[F], F]:
    """The options of every list, which is sorted so unless something else is asked for."""

    def with_options(function: F) -> F:
        for option in (
            click.option("--all", "everything", is_flag=True, help="All pages, not only the first hundred."),
            click.option(
                "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many a page."
            ),
            click.option("--sort", default=sort, show_default=True, help="By this field; -FIELD for descending."),
            click.option(
                "--where", "filters", multiple=True, metavar="FIELD=VALUE", help="Only those; may be repeated."
            ),
        ):
            function = option(function)
        return function

    return with_options


listed = listed_by("created_at")


def tried(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    """The callback of `--dry-run`: what is only tried leaves nothing that could be explained."""
    ctx.meta[_TRIED] = value
    return value


def metadata_option(function: F) -> F:
    """`--note KEY=VALUE`, repeated."""
    return click.option("--note", "notes", multiple=True, metavar="KEY=VALUE", help="Metadata; may be repeated.")(
        function
    )


def pairs(given: tuple[str, ...]) -> dict[str, str]:
    """`KEY=VALUE` words as a mapping; raises a usage error."""
    found = {}
    for word in given:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise click.BadParameter(f"{word!r} is not KEY=VALUE")
        found[key] = value
    return found


def answer(session: Session, thing: Any, show: Callable[[Any], None] | None = None) -> None:
    """Print a thing as the session wants it."""
    if session.as_json:
        output.show_json(thing)
    elif show is not None:
        show(thing)
    else:
        details(thing)
