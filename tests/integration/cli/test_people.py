"""Users as the command makes and changes them."""

from __future__ import annotations

from tests.integration.cli.test_command import Run, client_file, read, run

__all__ = ["client_file", "run"]


def test_a_user_must_change_the_password_until_somebody_says_otherwise(run: Run) -> None:
    made = read(run("--json", "user", "create", "newcomer", "--role", "member", "--must-change-password"))
    assert made["must_change_password"] is True
    kept = read(run("--json", "user", "update", "newcomer", "--may-keep-password"))
    assert kept["must_change_password"] is False
    again = read(run("--json", "user", "update", "newcomer", "--must-change-password", "--unlock"))
    assert (again["must_change_password"], again["locked_until"]) == (True, None)
    assert run("user", "delete", "newcomer").exit_code == 0


def test_nothing_is_said_of_the_password_where_nothing_was_asked(run: Run) -> None:
    assert read(run("--json", "user", "create", "settled", "--role", "reader"))["must_change_password"] is False
    changed = read(run("--json", "user", "update", "settled", "--role", "member"))
    assert (changed["must_change_password"], changed["roles"]) == (False, ["member"])
    assert run("user", "delete", "settled").exit_code == 0
