"""`isthmus PLUGIN ACTION`: commands made of what the server's plugins can do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from ...adapters.remote.actions import ActionDescription
from ...core.errors import IsthmusError
from ...core.model.operation import Operation
from .command import Group, pass_session
from .following import follow
from .output import details, show_json
from .session import Session
from .texts import secret_options, secret_value, text_of

_KINDS: Mapping[str, click.ParamType[Any]] = {
    "integer": click.INT,
    "number": click.FLOAT,
    "string": click.STRING,
}


class Everything(Group):
    """The command's own nouns, and behind them the plugins of the server as further ones."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = super().get_command(ctx, cmd_name)
        if known is not None or "as_json" not in ctx.params:
            return known
        # The words are looked up before the group itself runs, so there is no session yet.
        ctx.obj = ctx.obj or Session(**ctx.params)
        try:
            found = [each for each in ctx.obj.actions.list() if each.plugin == cmd_name]
        except IsthmusError:
            return None
        return plugin_group(cmd_name, found) if found else None


def plugin_group(plugin: str, actions: list[ActionDescription]) -> click.Group:
    """One command for each action of a plugin."""
    group = Group(plugin, help=f"What the plugin {plugin} can do.")
    for action in actions:
        group.add_command(action_command(action))
    return group


def action_command(action: ActionDescription) -> click.Command:
    """A command with an option for each property of the action's input."""
    properties: Mapping[str, Any] = action.input.get("properties", {})
    required = frozenset(action.input.get("required", ()))
    secret = frozenset(name for name, schema in properties.items() if schema.get("writeOnly"))
    parameters: list[click.Parameter] = []
    for name, schema in properties.items():
        if name in secret:
            parameters += secret_options(name, schema, asked=name in required)
        else:
            parameters.append(_option(name, schema, name in required))
    if action.kinds:
        parameters.insert(0, click.Argument(["subject"], metavar="|".join(action.kinds).upper()))
    parameters += [
        click.Option(["--wait"], is_flag=True, help="Wait until it is done."),
        click.Option(["--dry-run"], is_flag=True, help="Show what would be done, and change nothing."),
        click.Option(["--key"], help="An idempotency key."),
    ]

    @pass_session
    def run(session: Session, /, wait: bool, dry_run: bool, key: str | None, **given: Any) -> None:
        subject = given.pop("subject", None)
        values = {
            name: secret_value(name, given, asked=name in required)
            if name in secret
            else _value(properties[name], given[_word(name)])
            for name in properties
        }
        perform(
            session,
            action,
            subject=None if subject is None else subject_of(action, subject),
            input={name: value for name, value in values.items() if value is not None},
            wait=wait,
            dry_run=dry_run,
            key=key,
        )

    help = action.title + (f".\n\n{action.summary}" if action.summary else ".")
    return click.Command(action.id, callback=run, params=parameters, help=help)


def perform(
    session: Session,
    action: ActionDescription,
    *,
    subject: tuple[str, str] | None,
    input: Mapping[str, Any],
    wait: bool,
    dry_run: bool,
    key: str | None,
) -> None:
    """Do an action and print what came of it."""
    answer = session.actions.invoke(action.plugin, action.id, subject=subject, input=input, key=key, dry_run=dry_run)
    if isinstance(answer, Operation):
        follow(session, answer, wait=wait)
    elif session.as_json:
        show_json(answer)
    else:
        details(answer.get("plan") or answer.get("result") or answer)


def subject_of(action: ActionDescription, text: str) -> tuple[str, str]:
    """`KIND:ID`, or a bare id where the action is for one kind only."""
    kind, colon, identifier = text.partition(":")
    if colon and kind in action.kinds:
        return kind, identifier
    if len(action.kinds) == 1:
        return action.kinds[0], text
    raise click.BadParameter(f"say what it is: {' or '.join(f'{kind}:ID' for kind in action.kinds)}")


def _word(name: str) -> str:
    return name.lower().replace("-", "_")


def _option(name: str, schema: Mapping[str, Any], required: bool) -> click.Option:
    word = f"--{name.lower().replace('_', '-')}"
    help = str(schema.get("description", ""))
    if schema.get("type") == "boolean":
        return click.Option([f"{word}/--no-{word[2:]}", _word(name)], default=None, required=required, help=help)
    if "contentMediaType" in schema:
        return click.Option([word, _word(name)], type=click.Path(), required=required, help=help, metavar="FILE")
    kind: click.ParamType[Any] = _KINDS.get(str(schema.get("type")), click.STRING)
    if "enum" in schema and all(isinstance(each, str) for each in schema["enum"]):
        kind = click.Choice(list(schema["enum"]))
    return click.Option([word, _word(name)], type=kind, required=required, help=help)


def _value(schema: Mapping[str, Any], given: Any) -> Any:
    """Lists and objects are written as JSON, documents as the file that they lie in."""
    if given is not None and "contentMediaType" in schema:
        return text_of(given)
    if given is None or schema.get("type") not in ("array", "object"):
        return given
    try:
        return json.loads(given)
    except ValueError as error:
        raise click.BadParameter(f"{given!r} is not JSON") from error
