"""The keeper: the one process that owns a lab, and the parent of all that runs in it.

The namespaces exist because it holds their descriptors, the daemons run
because it is their parent (PR_SET_PDEATHSIG). When it ends, in whatever way,
the kernel takes the lab down; its janitor removes the files.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from viftrail.errors import LabError, NotPermitted, UsageError, ViftrailError
from viftrail.lab import inventory, provoke, wire
from viftrail.lab.cloud import Cloud, check_machine
from viftrail.lab.openstack.cloud import OpenStackCloud

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from viftrail.lab.design import Design
    from viftrail.lab.folder import Folder


class _Stop(BaseException):
    """Somebody wants the lab down."""


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Stop


class Keeper:
    """Brings a lab up and serves requests until it is to come down."""

    def __init__(self, design: Design, folder: Folder, token: str) -> None:
        """Takes the plan; ``token`` marks the environment of all that runs in the lab."""
        kind = OpenStackCloud if design.shape.openstack else Cloud
        self.cloud: Cloud = kind(design, folder, token)
        self._folder = folder
        self._operations: dict[str, Callable[..., object]] = {
            "status": self._status,
            "refresh": lambda: self.cloud.refresh(),
            "machines": self._machines,
            "boot": self._boot,
            "delete": lambda vm: self.cloud.delete(vm),
            "reboot": lambda vm: self.cloud.reboot(vm),
            "break": lambda fault, vm: provoke.provoke(self.cloud, fault, vm),
            "mend": lambda: provoke.mend(self.cloud),
            "again": self._again,
            "service": self._service,
            "down": self._down,
        }

    def run(self, caller: socket.socket, completed: int, *, boot_vms: bool) -> None:
        """Lives the lab's life.

        ``caller`` is told of the progress and the end of coming up; a byte in
        ``completed`` tells the janitor that the caller may go away from now on.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        with contextlib.suppress(_Stop):
            if self._come_up(caller, completed, boot_vms=boot_vms):
                self._serve()

    def _come_up(self, caller: socket.socket, completed: int, *, boot_vms: bool) -> bool:
        listener = None
        try:
            check_machine()
            self.cloud.up(lambda step: wire.send(caller, {"progress": step}), boot_vms=boot_vms)
            listener = _listen(self._folder)
        except ViftrailError as error:
            _tell(caller, wire.failure(error))
        except OSError as error:
            traceback.print_exc()
            _tell(caller, wire.failure(LabError(f"The lab could not be brought up: {error}.")))
        except Exception as error:  # noqa: BLE001 - said to the caller, whatever it is
            traceback.print_exc()
            _tell(caller, wire.failure(LabError(f"A bug in the lab: {error!r}.")))
        if listener is None:
            return False
        self._listener = listener
        os.write(completed, b"+")
        _tell(caller, {"ok": self._status()})
        caller.close()
        return True

    def _serve(self) -> None:
        while True:
            select.select([self._listener], [], [])
            client, _ = self._listener.accept()
            # A client that connects and then says nothing, or died, must not stop the lab.
            client.settimeout(2.0)
            with client:
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        if struct.unpack("iii", credentials)[1] != 0:
            _tell(client, wire.failure(NotPermitted("Only root may talk to a lab.")))
            return
        try:
            request = wire.receive(client)
        except (OSError, ValueError):
            return
        if request is None:
            return
        name = str(request.pop("operation", ""))
        _tell(client, self._carry_out(name, request))
        if name == "down":
            raise _Stop

    def _carry_out(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        operation = self._operations.get(name)
        try:
            if operation is None:
                raise UsageError("The lab's keeper does not know that operation.")
            return {"ok": operation(**arguments)}
        except ViftrailError as error:
            return wire.failure(error)
        except Exception as error:  # noqa: BLE001 - one failed request must not end the lab
            traceback.print_exc()
            return wire.failure(
                LabError(f"A bug in the lab: {error!r}.", f"See {self._folder.log}.")
            )

    def _status(self) -> object:
        return msgspec.to_builtins(self.cloud.status())

    def _machines(self) -> object:
        return msgspec.to_builtins(inventory.machines_of(self.cloud))

    def _boot(
        self,
        vm: str,
        host: str | None,
        *,
        hybrid: bool,
        floating_ip: bool,
        qemu: bool = False,
        direct: bool = False,
    ) -> str:
        return self.cloud.boot(
            vm, host, hybrid=hybrid, floating_ip=floating_ip, qemu=qemu, direct=direct
        )

    def _again(self, fault: str) -> object:
        """Asks once more for the server that a provoked fault kept from being built."""
        cloud, request = self.cloud, provoke.all_provocations()[fault].request
        if not isinstance(cloud, OpenStackCloud) or request is None:
            raise UsageError(f"Nobody asks for a server with {fault}.")
        return cloud.ask_for(request)

    def _service(self, node: str, verb: str, unit: str) -> dict[str, object]:
        code, output = self.cloud.order_service(node, verb, unit)
        return {"code": code, "output": output}

    def _down(self) -> str:
        return f"Lab {self._folder.name!r} is coming down."


def _listen(folder: Folder) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    draft = folder.path / "keeper.new"
    listener.bind(str(draft))
    draft.chmod(0o600)
    listener.listen(64)
    # Under its own name only now: whoever sees the socket can connect to it.
    draft.rename(folder.socket)
    return listener


def _tell(sock: socket.socket, message: dict[str, Any]) -> None:
    """Sends a message to somebody who may be gone."""
    with contextlib.suppress(OSError):
        wire.send(sock, message)
