"""Makes the demo's throw-away server importable, and prints at the end what the tests measured."""

import statistics
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demo"))

_measured: dict[str, list[float]] = {}


@pytest.fixture(scope="session")
def measured():
    """`measured(what, seconds)`: keep a figure for the summary."""

    def keep(what: str, seconds: float) -> None:
        _measured.setdefault(what, []).append(seconds)

    return keep


def pytest_terminal_summary(terminalreporter):
    if _measured:
        terminalreporter.section("measured in a real Synapse")
    for what, seconds in _measured.items():
        terminalreporter.write_line(
            f"{what}: median {statistics.median(seconds) * 1000:.0f} ms, "
            f"worst {max(seconds) * 1000:.0f} ms, of {len(seconds)}"
        )
