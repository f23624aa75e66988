"""The command `isthmus`."""

from __future__ import annotations

import click

from ... import __version__
from ...core.errors import IsthmusError
from .actions import Everything
from .command import EXIT_CODES, complain, exit_code
from .commands import (
    action,
    attachment,
    backend,
    event,
    host,
    key,
    operation,
    people,
    pool,
    profile,
    server,
    snapshot,
    system,
    volume,
)
from .session import Session

_HELP = f"""One storage control plane that every platform plugs into.

Where Isthmus is and who you are comes from a client file (the server writes one beside its state), or from
ISTHMUS_ADDRESS, ISTHMUS_CA, ISTHMUS_TOKEN and ISTHMUS_TENANT.

{EXIT_CODES}
"""


@click.group(
    cls=Everything, help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="isthmus")
@click.option("--client", type=click.Path(), help="The client file (or ISTHMUS_CLIENT).")
@click.option("--address", help="The server's address, https://HOST:PORT.")
@click.option("--ca", type=click.Path(), help="The CA that its certificate comes from, a PEM file.")
@click.option("--tenant", help="The tenant to act for, name or id (administrators); '' for none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def isthmus(
    ctx: click.Context, client: str | None, address: str | None, ca: str | None, tenant: str | None, as_json: bool
) -> None:
    ctx.obj = ctx.obj or Session(client=client, address=address, ca=ca, tenant=tenant, as_json=as_json)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands in SHELL; put it where your shell reads it.

    For bash: isthmus completion bash > ~/.local/share/bash-completion/completions/isthmus
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    click.echo(kind(isthmus, {}, "isthmus", "_ISTHMUS_COMPLETE").source())


for _command in (
    volume.volume,
    snapshot.snapshot,
    attachment.attachment,
    host.host,
    pool.pool,
    profile.profile,
    operation.operation,
    operation.message,
    event.event,
    operation.explain,
    action.action,
    backend.backend,
    system.system,
    people.tenant,
    people.user,
    people.token,
    people.limit,
    server.serve,
    server.doctor,
    server.plugin,
    server.config_group,
    server.db,
    server.data_path,
    key.key,
    completion,
):
    isthmus.add_command(_command)


def main() -> None:
    """The entry point."""
    try:
        isthmus(prog_name="isthmus")
    except IsthmusError as error:
        complain(error)
        raise SystemExit(exit_code(error)) from None


if __name__ == "__main__":
    main()
