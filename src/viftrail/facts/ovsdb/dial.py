"""Reaching a server: host names, sockets, and how long to wait for them.

Nothing here blocks beyond a ``Deadline``: not a connect that a firewall
swallows, not a name server that is silent, not a unix socket whose owner has
stopped accepting.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viftrail.errors import NotPermitted, Unreachable

if TYPE_CHECKING:
    from viftrail.facts.ovsdb.remote import Remote

_UNIX_PATH_MAX = 107
LISTENS = "Check that ovsdb-server runs there and listens on that address."


class Deadline:
    """A moment on the monotonic clock after which nothing is waited for.

    Attributes:
        seconds: how long it was when it began, for sentences.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    def __str__(self) -> str:
        return f"{self.seconds:.3g} s"


def wait_ready(sock: socket.socket, deadline: Deadline, *, writing: bool) -> bool:
    """Wait until the socket can be used; False when the time ran out first."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT if writing else select.POLLIN)
    # Rounded up: poll(2) counts whole milliseconds.
    return bool(deadline.left() and poll.poll(int(deadline.left() * 1000) + 1))


def connect(remote: Remote, deadline: Deadline) -> socket.socket:
    """Open a non-blocking connection.

    Raises:
        Unreachable: nobody listens there, or nobody answered in time.
        NotPermitted: the unix socket may not be used by this user.
    """
    if remote.kind == "unix":
        return _connect_unix(remote, deadline)
    failure: Unreachable | NotPermitted | None = None
    for family, address in _addresses(remote, deadline):
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            failure = _unreachable(remote, error)
            continue
        sock.settimeout(0)
        try:
            _finish_connect(sock, sock.connect_ex(address), remote, deadline)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = _unreachable(remote, error)
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure or Unreachable(f"{remote.host} has no address.", "Check the host name.")


def _finish_connect(sock: socket.socket, code: int, remote: Remote, deadline: Deadline) -> None:
    if code == 0:
        return
    if not isinstance(error := OSError(code, os.strerror(code)), BlockingIOError):
        raise error
    if not wait_ready(sock, deadline, writing=True):
        raise Unreachable(
            f"{remote} did not accept a connection within {deadline}.",
            "Check the address, the network and any firewall on the way.",
        )
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _addresses(remote: Remote, deadline: Deadline) -> list[tuple[int, Any]]:
    """Resolve the host; a name is looked up on the side, as resolvers hang."""
    found: list[tuple[int, Any]] = []
    problem: list[OSError | UnicodeError] = []

    def look_up(flags: int) -> None:
        try:
            answers = socket.getaddrinfo(
                remote.host, remote.port, type=socket.SOCK_STREAM, flags=flags
            )
            found.extend((family, address) for family, _, _, _, address in answers)
        except (OSError, UnicodeError) as error:
            problem.append(error)

    look_up(socket.AI_NUMERICHOST)
    if found:
        return found
    problem.clear()
    resolver = threading.Thread(target=look_up, args=(0,), daemon=True)
    resolver.start()
    resolver.join(deadline.left())
    if found:
        return found
    why = str(getattr(problem[0], "strerror", None) or problem[0]) if problem else "no answer"
    raise Unreachable(
        f"The host name {remote.host} cannot be resolved ({why}).",
        "Check the name, or give the address in numbers.",
    )


def _connect_unix(remote: Remote, deadline: Deadline) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(0)
    directory = -1
    try:
        path = remote.path
        if len(os.fsencode(path)) > _UNIX_PATH_MAX:
            # sun_path holds 108 bytes; a handle on the directory makes it short.
            directory = os.open(Path(path).parent, os.O_PATH | os.O_DIRECTORY)
            path = f"/proc/self/fd/{directory}/{Path(path).name}"
        while True:
            try:
                sock.connect(path)
            except BlockingIOError:
                # The listen queue is full: its owner is not accepting.
                if not deadline.left():
                    raise Unreachable(
                        f"{remote} did not accept a connection within {deadline}.",
                        "Check that ovsdb-server is neither stopped nor overloaded there.",
                    ) from None
                time.sleep(min(0.02, deadline.left()))
            else:
                return sock
    except OSError as error:
        sock.close()
        raise _unreachable(remote, error) from None
    except BaseException:
        sock.close()
        raise
    finally:
        if directory >= 0:
            os.close(directory)


def _unreachable(remote: Remote, error: OSError) -> Unreachable | NotPermitted:
    if isinstance(error, PermissionError) and remote.kind == "unix":
        return NotPermitted(
            f"{remote} may not be used by this user.",
            "Run as root, or as a member of the group that owns the socket.",
        )
    if isinstance(error, FileNotFoundError):
        return Unreachable(f"{remote} does not exist.", LISTENS)
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"{remote} refused the connection.", LISTENS)
    return Unreachable(
        f"{remote} cannot be reached ({error.strerror or error}).",
        "Check the address and the network.",
    )
