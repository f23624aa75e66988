"""What every test may use, and the order in which tests run."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The machine may pause at any moment, and a run shall say the same twice. `--hypothesis-profile=explore` looks further.
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")

# The suites are plain modules that tests inherit from; their assertions shall explain themselves as well.
pytest.register_assert_rewrite("tests.contract", "tests.environment")

pytest_plugins = ["tests.environment.postgresql"]

CHECKOUT = Path(__file__).resolve().parent.parent
_WHOLE_ENGINES = ("contract", "unit/engine")
FAILED_CHECKS = [check for check in os.environ.get("ISTHMUS_FAILED_CHECKS", "").split(";") if check]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the repository."""
    return CHECKOUT


def pytest_configure(config: pytest.Config) -> None:
    """A run that is told to end (a cancelled job) ends its servers first, as after Ctrl-C."""
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of tests/integration needs servers; what runs whole engines and drivers is slow. Fast tests come first: a
    plain mistake shows at once."""
    for item in items:
        if item.path.is_relative_to(CHECKOUT / "tests" / "integration"):
            item.add_marker("server")
        elif any(item.path.is_relative_to(CHECKOUT / "tests" / folder) for folder in _WHOLE_ENGINES):
            item.add_marker("slow")
    items.sort(key=lambda item: sum(item.get_closest_marker(name) is not None for name in ("server", "slow")))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The exit code speaks for the checks too."""
    if FAILED_CHECKS and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once per reason what this machine could not run, and repeat what bin/test found before the tests."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.getreports("skipped"):
        if isinstance(report.longrepr, tuple):
            reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.section("skipped, with the reason")
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count:5}  {reason}")
    for what, count in counted(terminalreporter.getreports("passed")).items():
        terminalreporter.write_line(f"{what}: {count}")
    for check in FAILED_CHECKS:
        terminalreporter.write_line(f"FAILED before the tests: {check}", red=True)


def counted(reports: list[pytest.TestReport]) -> Counter[str]:
    """What tests counted with `record_property("counted: …", number)`, added up."""
    found: Counter[str] = Counter()
    for report in reports:
        for name, value in report.user_properties:
            if name.startswith("counted: ") and isinstance(value, int):
                found[name.removeprefix("counted: ")] += value
    return found
