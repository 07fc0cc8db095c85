"""Commands within this process: many of them, fast."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.cli.command import Done
from viftrail.cli.main import main

Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """`viftrail ARGUMENTS` without the cost of a process; it has no terminal either."""
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    for name in ("OVN_NB_DB", "OVN_SB_DB", "VIFTRAIL_LAB", "VIFTRAIL_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["viftrail", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        code = ended.value.code
        assert isinstance(code, int)
        return Done(code, printed.out, printed.err)

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)
