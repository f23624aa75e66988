"""`isthmus PLUGIN ACTION`: commands made of what the server's plugins can do."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from ...adapters.remote.actions import ActionDescription
from ...core.errors import IsthmusError
from ...core.model.operation import Operation
from .command import Group, pass_session, tried
from .document import tell
from .findings import troubled
from .following import follow, show_plan
from .output import show_json
from .session import Session
from .sizes import Size
from .texts import secret_options, secret_value, text_of

_KINDS: Mapping[str, click.ParamType[Any]] = {
    "integer": click.INT,
    "number": click.FLOAT,
    "string": click.STRING,
}


class Items(click.ParamType[list[str]]):
    """One of a list of words, or all of them as a JSON list."""

    name = "text"

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._allowed: tuple[str, ...] = tuple(schema["items"].get("enum", ()))

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:
        return f"[{'|'.join(self._allowed)}]" if self._allowed else None

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        if isinstance(value, list):
            return value
        words = _listed(str(value))
        for word in words:
            if self._allowed and word not in self._allowed:
                self.fail(f"{word!r} is not one of {', '.join(self._allowed)}", param, ctx)
        return words


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
        word = action.kinds[0].upper() if len(action.kinds) == 1 else "SUBJECT"
        parameters.insert(0, click.Argument(["subject"], metavar=word))
    parameters += [
        click.Option(["--wait"], is_flag=True, help="Wait until it is done."),
        click.Option(["--dry-run"], is_flag=True, callback=tried, help="Show what would be done, and change nothing."),
        click.Option(["--key"], help="An idempotency key."),
    ]

    @pass_session
    def run(session: Session, /, wait: bool, dry_run: bool, key: str | None, **given: Any) -> None:
        subject = given.pop("subject", None)
        values = {
            name: secret_value(name, given, asked=name in required)
            if name in secret
            else _value(properties[name], given[_word(name)], required=name in required)
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

    said = [f"{action.title}.", action.summary]
    if len(action.kinds) > 1:
        said.append(f"SUBJECT is a urn that names its kind ({' or '.join(action.kinds)}), or KIND:ID.")
    return click.Command(action.id, callback=run, params=parameters, help="\n\n".join(filter(None, said)))


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
    """Do an action and print what came of it. Exits with 1 when that tells of an error."""
    answer = session.actions.invoke(action.plugin, action.id, subject=subject, input=input, key=key, dry_run=dry_run)
    if isinstance(answer, Operation):
        follow(session, answer, wait=wait)
        return
    if session.as_json:
        show_json(answer)
    elif dry_run:
        show_plan(f"{action.plugin} {action.id}", answer.get("plan", answer))
    elif result := answer.get("result", answer):
        tell(result)
    else:
        click.echo("Done.")
    if not dry_run and troubled(answer):
        sys.exit(1)


def subject_of(action: ActionDescription, text: str) -> tuple[str, str]:
    """`KIND:ID`, a urn that names its own kind, or a bare id where the action is for one kind only."""
    kind, colon, identifier = text.partition(":")
    if colon and kind in action.kinds:
        return kind, identifier
    if len(action.kinds) == 1:
        return action.kinds[0], text
    named = [part for part in text.split(":") if part in action.kinds] if kind.lower() == "urn" else []
    if named:
        return named[0], text
    ways = " or ".join(f"{kind}:ID" for kind in action.kinds)
    raise click.BadParameter(f"{text!r} names none of its kinds; give a urn that does, or {ways}.")


def _word(name: str) -> str:
    return name.lower().replace("-", "_")


def _option(name: str, schema: Mapping[str, Any], required: bool) -> click.Option:
    word = f"--{name.lower().replace('_', '-')}"
    help = str(schema.get("description", ""))
    if schema.get("type") == "boolean":
        return click.Option([f"{word}/--no-{word[2:]}", _word(name)], default=None, required=required, help=help)
    if "contentMediaType" in schema:
        return click.Option([word, _word(name)], type=click.Path(), required=required, help=help, metavar="FILE")
    if _many(schema):
        # What must be given but may be empty is empty where nothing is given.
        needed = required and bool(schema.get("minItems"))
        help = f"{help} May be repeated{'.' if schema.get('minItems') else '; [] for none.'}".strip()
        return click.Option([word, _word(name)], type=Items(schema), multiple=True, required=needed, help=help)
    if schema.get("x-unit") == "bytes":
        return click.Option(
            [word, _word(name)], type=Size(), required=required, help=f"{help} Or 20GiB, 500MB.".strip()
        )
    kind: click.ParamType[Any] = _KINDS.get(str(schema.get("type")), click.STRING)
    if "enum" in schema and all(isinstance(each, str) for each in schema["enum"]):
        kind = click.Choice(list(schema["enum"]))
    return click.Option([word, _word(name)], type=kind, required=required, help=help)


def _many(schema: Mapping[str, Any]) -> bool:
    """Whether it is a list of words, which are given one by one."""
    return schema.get("type") == "array" and schema.get("items", {}).get("type") == "string"


def _value(schema: Mapping[str, Any], given: Any, *, required: bool) -> Any:
    """Words are a list, other lists and objects are written as JSON, documents as the file that they lie in."""
    if _many(schema):
        return [word for words in given for word in words] if given or required else None
    if given is not None and "contentMediaType" in schema:
        return text_of(given)
    if given is None or schema.get("type") not in ("array", "object"):
        return given
    try:
        return json.loads(given)
    except ValueError as error:
        raise click.BadParameter(f"{given!r} is not JSON") from error


def _listed(text: str) -> list[str]:
    try:
        found = json.loads(text) if text.lstrip().startswith("[") else None
    except ValueError:
        found = None
    return [str(each) for each in found] if isinstance(found, list) else [text]
