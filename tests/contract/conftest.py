"""Makes the suites' assertions tell what they compared, as those of test modules do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.contract.exports", "tests.contract.drivers", "tests.contract.targets")
