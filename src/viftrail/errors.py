"""Every error an operator can meet, in one tree, each with its exit code.

=================  ====  =====================================================
class              exit  when
=================  ====  =====================================================
UsageError           64  the command line cannot be understood
UnknownTarget        65  nothing by that name, id or address was found
AmbiguousTarget      66  more than one thing answers to that name
NoSource             67  no cloud, bundle or lab to look at was named or found
FileUnreadable       68  a file is absent or cannot be opened, also among what was saved
Unreachable          69  a database, socket or host did not answer in time
(a bug)              70  anything not foreseen: please report it
DamagedDatabase      71  an OVSDB file is cut short, beheaded or not OVSDB
DamagedBundle        72  a bundle is corrupt, truncated or of another version
CannotWrite          73  the output file could not be written
TlsError             74  certificate, key or CA do not fit the server
LabError             75  the lab could not do what it was asked to
ProtocolError        76  a server answered something OVSDB does not allow
NotPermitted         77  the operating system refused access
NotAllowed           78  a mend needs a step whose risk --allow does not name
StepFailed           79  a step of a mend failed
OperatorsTurn        80  a mend needs a step that the operator has to run
=================  ====  =====================================================

The verdict itself uses 0 (healthy), 1 (broken) and 2 (could not tell).
Each error is one sentence of what happened and where, and one of what to do.
"""

from __future__ import annotations

from typing import ClassVar


class ViftrailError(Exception):
    """The root of the tree: ``what`` happened, and what to ``do`` about it."""

    exit_code: ClassVar[int] = 70

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(what if not do else f"{what} {do}")
        self.what = what
        self.do = do


class UsageError(ViftrailError):
    """The command line cannot be understood."""

    exit_code = 64


class UnknownTarget(ViftrailError):
    """Nothing by that name, id or address was found."""

    exit_code = 65


class AmbiguousTarget(ViftrailError):
    """More than one thing answers to that name; ``candidates`` lists them."""

    exit_code = 66

    def __init__(self, what: str, do: str = "", candidates: tuple[str, ...] = ()) -> None:
        super().__init__(what, do)
        self.candidates = candidates


class NoSource(ViftrailError):
    """No cloud, bundle or lab to look at was named or found."""

    exit_code = 67


class FileUnreadable(ViftrailError):
    """A named file is absent or cannot be opened."""

    exit_code = 68


class Unreachable(ViftrailError):
    """A database, socket or host did not answer in time."""

    exit_code = 69


class DamagedDatabase(ViftrailError):
    """An OVSDB file is cut short, beheaded or not OVSDB at all."""

    exit_code = 71


class DamagedBundle(ViftrailError):
    """A bundle is corrupt, truncated, hostile or of an unknown version."""

    exit_code = 72


class CannotWrite(ViftrailError):
    """The output file could not be written; nothing was left behind."""

    exit_code = 73


class TlsError(ViftrailError):
    """Certificate, key or CA do not fit the server."""

    exit_code = 74


class LabError(ViftrailError):
    """The lab could not do what it was asked to."""

    exit_code = 75


class ProtocolError(ViftrailError):
    """A server answered something that OVSDB (RFC 7047) does not allow."""

    exit_code = 76


class NotPermitted(ViftrailError):
    """The operating system refused access to a file, socket or namespace."""

    exit_code = 77


class NotAllowed(ViftrailError):
    """A mend needs a step whose risk the operator did not consent to."""

    exit_code = 78


class StepFailed(ViftrailError):
    """A step of a mend failed."""

    exit_code = 79


class OperatorsTurn(ViftrailError):
    """A mend needs a step that belongs where viftrail may not or cannot go."""

    exit_code = 80
