"""Logs as daemons write them, for tests."""

from __future__ import annotations

from datetime import datetime, timezone

PORT = "9b57063f-4914-4ae3-9239-b283650c1888"
SERVER = "1805f7ca-d337-4c03-8ec9-62e4fa4ef2ce"
REQUEST = "req-b7c52993-aaa1-4b8d-8fd3-87c1df6a5b6d"
START = 1795220000.0
"""2026-11-21 00:13:20 UTC."""


def stamp(moment: float, separator: str = " ") -> str:
    when = datetime.fromtimestamp(moment, timezone.utc)
    return when.strftime(f"%Y-%m-%d{separator}%H:%M:%S.") + f"{when.microsecond // 1000:03d}"


def oslo(
    moment: float,
    text: str,
    *,
    level: str = "INFO",
    logger: str = "nova.compute.manager",
    context: str = "-",
    pid: int = 5189,
) -> str:
    return f"{stamp(moment)} {pid} {level} {logger} [{context}] {text}\n"


def raised(
    moment: float, *lines: str, logger: str = "nova.compute.manager", pid: int = 5189
) -> str:
    """The lines of a traceback, as logging_exception_prefix has them."""
    return "".join(f"{stamp(moment)} {pid} ERROR {logger} {line}\n" for line in lines)


def vlog(
    moment: float, text: str, *, level: str = "INFO", module: str = "binding", number: int = 7
) -> str:
    return f"{stamp(moment, 'T')}Z|{number:05d}|{module}|{level}|{text}\n"
