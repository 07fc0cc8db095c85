"""Requests to a lab's keeper: one JSON line each way over a unix socket.

Light to import, because the lab's ``systemctl`` starts in every node.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

from viftrail import errors
from viftrail.errors import LabError, ViftrailError

if TYPE_CHECKING:
    from viftrail.lab.folder import Folder

#: Seconds a request may take; the longest, mending a dozen faults, takes a few.
TIMEOUT = 60.0

Message = dict[str, Any]


def send(sock: socket.socket, message: Message) -> None:
    """Sends one message."""
    sock.sendall(json.dumps(message).encode() + b"\n")


def receive(sock: socket.socket) -> Message | None:
    """Reads one message; None if the other side hung up first."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = sock.recv(1 << 16)
        if not chunk:
            return None
        line += chunk
    message: Message = json.loads(line)
    return message


def failure(error: ViftrailError) -> Message:
    """An error, as a message."""
    return {"error": type(error).__name__, "what": error.what, "do": error.do}


def result_of(reply: Message | None) -> Any:
    """What a reply brings.

    Raises:
        ViftrailError: the very error that the keeper met.
        LabError: the keeper ended instead of answering.
    """
    if reply is None:
        raise LabError("The lab's keeper ended before it answered.", "See 'viftrail lab list'.")
    if "error" in reply:
        kind = getattr(errors, reply["error"], LabError)
        raise kind(reply["what"], reply["do"])
    return reply["ok"]


def ask(folder: Folder, operation: str, timeout: float = TIMEOUT, **arguments: object) -> Any:
    """Has a lab's keeper carry out an operation.

    Raises:
        LabError: no such lab is up, or its keeper does not answer in ``timeout`` seconds.
        ViftrailError: whatever the keeper met.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect(str(folder.socket))
        except PermissionError as error:
            raise errors.NotPermitted(
                "Only root may talk to a lab.", "Run it with sudo."
            ) from error
        except OSError as error:
            raise LabError(
                f"No lab named {folder.name!r} is up.",
                f"Bring it up with 'viftrail lab up --name {folder.name}'.",
            ) from error
        try:
            send(sock, {"operation": operation, **arguments})
            reply = receive(sock)
        except TimeoutError as error:
            raise LabError(
                f"The keeper of lab {folder.name!r} did not finish {operation!r} "
                f"within {timeout:g} s."
            ) from error
        except OSError as error:
            raise LabError(f"The keeper of lab {folder.name!r} hung up: {error}.") from error
    return result_of(reply)
