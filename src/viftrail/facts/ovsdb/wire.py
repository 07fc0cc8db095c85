"""One connection to an OVSDB server: bytes, TLS and time limits.

Sockets never block: each operation waits at most until its ``Deadline``, so a
server that accepts and says nothing, or says it one byte at a time, costs the
operator the time-out and no more.

Source: RFC 7047 section 4 (JSON-RPC 1.0, ``echo`` in 4.1.11).
"""

from __future__ import annotations

import ssl
from collections import deque
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from viftrail.errors import ProtocolError, TlsError, Unreachable
from viftrail.facts.ovsdb.dial import LISTENS, Deadline, connect, wait_ready
from viftrail.facts.ovsdb.framing import Framer, NotJsonError
from viftrail.facts.ovsdb.values import BAD_JSON

if TYPE_CHECKING:
    import socket

    from viftrail.facts.ovsdb.remote import Remote

_CHUNK = 1 << 18
_LARGEST = 2 << 30
_TLS_HINT = (
    "Check that --ca-cert is the CA that signed the server's certificate "
    "and that the server's CA signed --certificate."
)
_REFUSED_HINT = "Check that --certificate was signed by the CA that the server was given."
_REFUSALS = ("bad certificate", "unknown ca", "certificate unknown", "unsupported certificate")
"""Ends of OpenSSL's names for alerts with which a server refuses a certificate (RFC 8446, 6.2)."""


class Message(msgspec.Struct, frozen=True):
    """Any JSON-RPC 1.0 message; ``result`` and ``params`` stay undecoded.

    Both are views of the message's bytes and keep those alive.
    """

    id: Any = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"[]")
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None


_decoder = msgspec.json.Decoder(Message)


def decode(decoder: msgspec.json.Decoder[Any], data: Any, where: str) -> Any:
    """Decode JSON that a server sent.

    Raises:
        ProtocolError: it is not JSON, or not of the decoder's type.
    """
    try:
        return decoder.decode(data)
    except BAD_JSON as error:
        no_answer(where, error)


def no_answer(where: str, error: BaseException) -> NoReturn:
    """Say that what a server sent could not be decoded.

    Raises:
        ProtocolError: always.
    """
    raise ProtocolError(
        f"{where} sent a message that is no OVSDB answer ({error}).",
        "Check that the address belongs to an ovsdb-server.",
    ) from None


class Stream:
    """An open connection that carries JSON-RPC messages."""

    def __init__(self, remote: Remote, sock: socket.socket) -> None:
        self.where = str(remote)
        self._remote = remote
        self._sock = sock
        self._framer = Framer()
        self._ready: deque[Message] = deque()
        self._heard = False
        self._secured = False

    @classmethod
    def open(cls, remote: Remote, context: ssl.SSLContext | None, deadline: Deadline) -> Stream:
        """Connect, and for ``ssl:`` shake hands.

        Raises:
            Unreachable: nobody listens there or nobody answers in time.
            NotPermitted: the unix socket may not be used by this user.
            TlsError: the server's certificate or ours is not accepted.
        """
        stream = cls(remote, connect(remote, deadline))
        try:
            if remote.kind == "ssl":
                assert context is not None, "the caller checks that TLS files were given"
                stream._shake_hands(context, deadline)
        except BaseException:
            stream.close()
            raise
        return stream

    def close(self) -> None:
        """Close without ceremony; it may be called twice."""
        self._sock.close()

    def send(self, message: object, deadline: Deadline) -> None:
        """Send one message.

        Raises:
            Unreachable: the server went away or takes nothing in time.
            TlsError: the TLS layer failed.
        """
        left = memoryview(msgspec.json.encode(message))
        while left:
            try:
                left = left[self._sock.send(left) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError) as want:
                self._wait(want, deadline, writing=True)
            except ssl.SSLError as error:
                self._tls_failed(error)
            except OSError as error:
                self._broken(error)

    def receive(self, deadline: Deadline) -> Message:
        """Wait for one message that is for us; ``echo`` is answered here.

        Raises:
            Unreachable: no whole message in time, or the connection ended.
            ProtocolError: what came is not JSON-RPC.
            TlsError: the TLS layer failed.
        """
        while not self._ready:
            try:
                chunk = self._sock.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError) as want:
                self._wait(want, deadline, writing=False)
                continue
            except ssl.SSLError as error:
                self._tls_failed(error)
            except OSError as error:
                self._broken(error)
            if not chunk:
                self._ended()
            self._take(chunk, deadline)
            if not self._ready and not deadline.left():
                # A server that trickles never lets recv() run dry.
                self._timed_out(deadline)
        return self._ready.popleft()

    def settle(self) -> bool:
        """Answer what the server asked meanwhile; False when it hung up.

        A server probes an idle connection with ``echo`` and closes it when the
        answer stays out (ovsdb-server(1), "inactivity_probe").
        """
        deadline = Deadline(1.0)
        try:
            while deadline.left() and (chunk := self._sock.recv(_CHUNK)):
                self._take(chunk, deadline)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._ready.clear()
            return True
        except (OSError, Unreachable, ProtocolError, TlsError):
            pass
        return False

    def _take(self, chunk: bytes, deadline: Deadline) -> None:
        try:
            raws = self._framer.feed(chunk)
        except NotJsonError as bad:
            self._garbage(bad.sample)
        self._heard = True
        if self._framer.size > _LARGEST:
            raise ProtocolError(
                f"{self.where} sent more than {_LARGEST >> 30} GiB as one message.",
                "Check that the address belongs to an ovsdb-server.",
            )
        for raw in raws:
            message = decode(_decoder, raw, self.where)
            if message.method == "echo":
                reply = {"id": message.id, "result": message.params, "error": None}
                self.send(reply, deadline)
            elif message.method is None:
                self._ready.append(message)
            # Notifications answer nothing that is ever asked here.

    def _wait(self, want: OSError, deadline: Deadline, *, writing: bool) -> None:
        if isinstance(want, ssl.SSLWantReadError):
            writing = False
        elif isinstance(want, ssl.SSLWantWriteError):
            writing = True
        if not wait_ready(self._sock, deadline, writing=writing):
            self._timed_out(deadline)

    def _shake_hands(self, context: ssl.SSLContext, deadline: Deadline) -> None:
        try:
            self._sock = tls = context.wrap_socket(self._sock, do_handshake_on_connect=False)
        except OSError as error:
            self._broken(error)
        while True:
            try:
                tls.do_handshake()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError) as want:
                self._wait(want, deadline, writing=False)
            except ssl.SSLError as error:
                self._tls_failed(error)
            except OSError as error:
                raise TlsError(
                    f"{self.where} broke off the TLS handshake ({error.strerror or error}).",
                    "If that port speaks plain OVSDB, write tcp: instead of ssl:.",
                ) from None
            else:
                self._secured = True
                return

    def _timed_out(self, deadline: Deadline) -> NoReturn:
        state = (
            "began to answer but did not finish"
            if self._framer.size
            else "accepted the connection but did not answer"
        )
        raise Unreachable(
            f"{self.where} {state} within {deadline}.",
            "Check that ovsdb-server is neither stopped nor overloaded there, "
            "or allow more time with --timeout.",
        )

    def _ended(self) -> NoReturn:
        if self._remote.kind == "ssl" and self._secured and not self._heard:
            # With TLS 1.3 the client's side of the handshake is over before
            # the server judges its certificate; the alert may be lost.
            raise TlsError(
                f"{self.where} hung up right after the TLS handshake, as a server does that "
                "refuses the client's certificate.",
                _REFUSED_HINT,
            ) from None
        when = "in the middle of an answer" if self._framer.size else "before it answered"
        # A TLS port that is greeted in plain text just hangs up.
        plain = self._remote.kind == "tcp" and not self._heard
        raise Unreachable(
            f"{self.where} closed the connection {when}.",
            "If that port speaks TLS, write ssl: instead of tcp:; otherwise see "
            "the server's log for the reason."
            if plain
            else "Look into the ovsdb-server's log there for the reason.",
        ) from None

    def _broken(self, error: OSError) -> NoReturn:
        if isinstance(error, (ConnectionResetError, BrokenPipeError)):
            self._ended()
        raise Unreachable(
            f"The connection to {self.where} broke ({error.strerror or error}).", LISTENS
        ) from None

    def _garbage(self, sample: bytes) -> NoReturn:
        if self._remote.kind == "tcp" and sample[:1] in (b"\x15", b"\x16"):
            raise TlsError(
                f"{self.where} speaks TLS.",
                "Write ssl: instead of tcp: and name the key, certificate and CA files.",
            )
        text = sample.decode("ascii", "replace").replace("\ufffd", "?")
        raise ProtocolError(
            f"{self.where} sent something that is not OVSDB, beginning with {text!r}.",
            "Check that the address belongs to an ovsdb-server.",
        )

    def _tls_failed(self, error: ssl.SSLError) -> NoReturn:
        if isinstance(error, ssl.SSLCertVerificationError):
            raise TlsError(
                f"The certificate of {self.where} is not accepted: {error.verify_message}.",
                "Renew the server's certificate, and check the clock of this machine."
                if "expired" in error.verify_message or "not yet" in error.verify_message
                else _TLS_HINT,
            ) from None
        if self._secured and isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            self._ended()
        reason = (error.reason or "connection ended").lower().replace("_", " ")
        if isinstance(error, ssl.SSLEOFError) or reason in {
            "wrong version number",
            "record layer failure",
            "packet length too long",
            "unknown protocol",
            "http request",
        }:
            raise TlsError(
                f"{self.where} broke off the TLS handshake ({reason}).",
                "If that port speaks plain OVSDB, write tcp: instead of ssl:.",
            ) from None
        if reason.endswith(_REFUSALS):
            raise TlsError(
                f"{self.where} refuses the client's certificate ({reason}).", _REFUSED_HINT
            ) from None
        raise TlsError(f"TLS with {self.where} failed: {reason}.", _TLS_HINT) from None
