"""Waiting for operations: a progress bar for people, the outcome for everybody."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from ...core.model.operation import Operation, OperationState
from . import output
from .command import NEEDS_ATTENTION, OPERATION_FAILED, STILL_RUNNING
from .document import details, tell
from .naming import Names
from .session import Session

_LONGEST_LOOK = 2.0


def follow(session: Session, operation: Operation, *, wait: bool, timeout: float = 600.0) -> Operation:
    """Print what an accepted operation is, or wait for its end and print that. Exits with 8 or 9 when it went
    wrong, with 10 when it was waited for and has not ended."""
    if operation.plan is not None:
        if session.as_json:
            output.show_json(operation)
        else:
            show_plan(operation.kind, operation.plan)
            if operation.explanation:
                show_explanation(dict(operation.explanation), Names(session))
        return operation
    if wait:
        operation = _watch(session, operation, timeout)
    if session.as_json:
        output.show_json(operation)
    else:
        _say(operation)
    if operation.state is OperationState.NEEDS_ATTENTION:
        sys.exit(NEEDS_ATTENTION)
    if operation.state in (OperationState.FAILED, OperationState.CANCELLED, OperationState.ABANDONED):
        sys.exit(OPERATION_FAILED)
    if wait and operation.state.live:
        sys.exit(STILL_RUNNING)
    return operation


def _watch(session: Session, operation: Operation, timeout: float) -> Operation:
    until = time.monotonic() + timeout
    shown = sys.stderr.isatty() and not session.as_json
    while operation.state.live:
        left = until - time.monotonic()
        if left <= 0:
            click.echo(f"Still {operation.state.value} after {timeout:.0f} s; it goes on without you.", err=True)
            break
        if shown:
            _draw(operation)
        operation = session.storage.operations.wait(operation.id, min(_LONGEST_LOOK if shown else 30.0, left))
    if shown:
        click.echo("\r\033[K", nl=False, err=True)
    return operation


def _draw(operation: Operation) -> None:
    width = 24
    full = int(width * operation.progress)
    bar = "#" * full + "." * (width - full)
    text = f"\r\033[K[{bar}] {operation.progress:4.0%} {operation.kind}: {operation.note or operation.step or ''}"
    click.echo(text[:160], nl=False, err=True)


def _say(operation: Operation) -> None:
    if operation.state is OperationState.DONE:
        _done(operation)
        return
    if operation.state.live:
        click.echo(f"Accepted: {operation.kind}, operation {operation.id}")
        click.echo(f"Follow it with `isthmus operation show {operation.id} --wait`.")
        return
    error: Any = operation.error or {}
    said = str(error.get("message", operation.state.value))
    click.secho(f"{operation.state.value.replace('_', ' ').capitalize()}: {said}", fg="red", err=True)
    if error.get("next_step"):
        click.echo(f"       {error['next_step']}", err=True)
    if operation.state is OperationState.NEEDS_ATTENTION:
        click.echo(f"       Mend the cause, then `isthmus operation retry {operation.id}` (or abandon it).", err=True)
    click.echo(f"       See `isthmus explain {operation.request_id}`.", err=True)


def _done(operation: Operation) -> None:
    result = {name: value for name, value in operation.result.items() if name != "warning"}
    short = {name: value for name, value in result.items() if isinstance(value, str | int | float)}
    made = ", ".join(f"{name.replace('_', ' ')} {output.cell(name, value)}" for name, value in short.items())
    click.secho(f"Done: {operation.kind}" + (f" ({made})" if made else ""), fg="green")
    details(result, leave_out=tuple(short))
    if operation.result.get("warning"):
        click.echo(f"Note: {operation.result['warning']}")


def show_operation(operation: Operation, names: Names) -> None:
    """One operation with what went wrong in sentences, and why it was placed where it was."""
    details(operation, leave_out=("error", "explanation", "plan"))
    if operation.error:
        show_error(operation.error, names)
    if operation.explanation:
        show_explanation(dict(operation.explanation), names)


def show_error(error: Mapping[str, Any], names: Names) -> None:
    """What went wrong, what had gone wrong before it, and what to do."""
    said = str(error.get("message", error.get("code", "unknown")))
    click.secho(f"error         {said}", fg="red")
    more = dict(error.get("details") or {})
    for name, label in (("cause", "cause"), ("because", "taken back")):
        before = more.pop(name, None)
        if not isinstance(before, Mapping):
            continue
        message = str(before.get("message", ""))
        if message and message not in said:
            click.echo(f"{label:<13} {message}")
        if before.get("next_step"):
            click.echo(f"              {before['next_step']}")
    explanation = more.pop("explanation", None)
    for name, value in more.items():
        if value not in (None, "", [], {}):
            click.echo(f"              {name.replace('_', ' ')}: {output.cell(name, value)}")
    if explanation:
        show_explanation(dict(explanation), names)
    if error.get("next_step"):
        click.echo(f"what to do    {error['next_step']}")


def show_plan(what: str, plan: Mapping[str, Any]) -> None:
    """What a dry run would do; `what` names it."""
    rest = {name: value for name, value in plan.items() if value not in (None, [], {}, ())}
    steps, pivot = rest.pop("steps", None), rest.pop("pivot", None)
    way = {"steps": " -> ".join(steps)} if steps else {}
    back = {"no_way_back": f"from {pivot} on"} if pivot else {}
    click.secho(f"Would do: {what} (nothing was changed)", bold=True)
    tell({**way, **back, **rest})


def show_explanation(found: dict[str, Any], names: Names) -> None:
    """Why a placement went where it went."""
    considered = found.get("considered", 0)
    pools = "1 pool" if considered == 1 else f"{considered} pools"
    click.echo(f"placement     {pools} considered, {found.get('remaining', 0)} left")
    for count in found.get("filters", []):
        if count["refused"]:
            click.echo(f"              {count['refused']} refused by {count['filter']}")
    for refusal in found.get("refused", []):
        numbers = {key: value for key, value in refusal.items() if key not in ("pool", "name", "filter")}
        place = names.place(refusal["pool"], refusal["name"])
        click.echo(f"              {place}: {refusal['filter']} {output.cell('', numbers)}")
    chosen = found.get("chosen")
    if chosen:
        weights = ", ".join(f"{name} {value}" for name, value in chosen.get("weights", {}).items())
        place = names.place(chosen["pool"], chosen["name"])
        click.echo(f"              chosen: {place} (score {chosen['score']}: {weights})")
        if chosen.get("unenforced"):
            click.echo(f"              not enforced by anything: {', '.join(chosen['unenforced'])}")
