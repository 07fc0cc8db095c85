"""What a QEMU guest boots, and what is said where it is not there. Boots nothing."""

from __future__ import annotations

import lzma
import shutil
import subprocess
from pathlib import Path

import pytest

from viftrail.errors import LabError
from viftrail.lab import image
from viftrail.lab.qemu import _scripts


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    monkeypatch.setattr(image, "STORE", folder)
    return folder


def filled(store: Path) -> Path:
    (store / "vmlinuz").write_bytes(b"kernel")
    (store / "virtio_net.ko.xz").write_bytes(lzma.compress(b"card"))
    (store / "virtio.ko").write_bytes(b"bus")
    return store


def test_what_is_missing_is_said_with_how_to_get_it(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(LabError, match="qemu-system-x86_64 and Debian's cloud kernel") as raised:
        image.check()
    assert raised.value.do == (
        "apt-get install --no-install-recommends qemu-system-x86 && viftrail lab fetch-kernel"
    )
    filled(store)
    with pytest.raises(LabError, match=r"not here: qemu-system-x86_64\."):
        image.check()


def test_without_apt_nothing_is_fetched(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(store))
    with pytest.raises(LabError, match="no apt-cache here"):
        image.fetch()
    assert image.find() is None


def test_modules_are_in_the_order_that_they_need_each_other(store: Path) -> None:
    kernel = filled(store) and image.find()
    assert kernel
    assert [path.name for path in kernel.modules] == ["virtio.ko", "virtio_net.ko.xz"]


def test_the_archive_is_what_cpio_reads(store: Path, tmp_path: Path) -> None:
    busybox = shutil.which("busybox")
    if not busybox:
        pytest.skip("needs busybox")
    kernel = filled(store) and image.find()
    assert kernel
    made = image.archive(kernel, Path(busybox), _scripts())
    done = subprocess.run(
        [busybox, "cpio", "-id"], cwd=tmp_path, input=made, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "init").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "bin/busybox").read_bytes() == Path(busybox).read_bytes()
    assert (tmp_path / "bin/sh").readlink() == Path("busybox")
    assert (tmp_path / "modules/1-virtio_net.ko").read_bytes() == b"card"


@pytest.mark.parametrize("script", _scripts())
def test_the_scripts_are_scripts(script: str, tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text(_scripts()[script])
    done = subprocess.run(["sh", "-n", str(file)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
