"""Every module has a test of its own, in the same place of the tree."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "viftrail"
TESTS = ROOT / "tests"

ELSEWHERE = {
    "__main__.py": "runs cli/main; tests/cli/command.py starts everything by it",
    "facts/change.py": "a row type; made by tests/facts/ovsdb, told by tests/history",
    "facts/ways/callbacks/viftrail_lines.py": "run by Ansible only: tests/facts/ways/test_play.py",
    "history/event.py": "a row type; made by the other modules there",
    "facts/northbound.py": "row types; all of them by tests/facts/test_row.py",
    "facts/southbound.py": "row types; all of them by tests/facts/test_row.py",
    "facts/vswitch.py": "row types; all of them by tests/facts/test_row.py",
    "cli/lab.py": "needs a lab: tests/lab/test_life.py",
}
"""Modules without a twin, and what tests them instead."""

REAL_PARTS = {
    "facts/ovsdb": "against real ovsdb-servers and files, by subject: tests/facts/ovsdb",
    "lab": "on a real lab, by subject: tests/lab",
}
"""Packages whose tests are by subject, because their modules only work together."""


def modules() -> list[str]:
    found = (path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))
    return sorted(name for name in found if not name.endswith("__init__.py"))


def package_of(name: str) -> str:
    return next((package for package in REAL_PARTS if name.startswith(f"{package}/")), "")


def twin(name: str) -> Path:
    path = Path(name)
    return TESTS / path.parent / f"test_{path.name}"


def test_every_module_has_its_twin() -> None:
    orphans = [
        name
        for name in modules()
        if name not in ELSEWHERE and not package_of(name) and not twin(name).exists()
    ]
    assert orphans == [], "write tests for them in the same place under tests/"


def test_exceptions_are_needed_and_explained() -> None:
    for name, reason in ELSEWHERE.items():
        assert reason
        assert (SOURCE / name).exists(), f"{name} is gone"
        assert not twin(name).exists(), f"{name} has a twin now"
    for package, reason in REAL_PARTS.items():
        assert reason
        assert list((TESTS / package).glob("test_*.py")), package
