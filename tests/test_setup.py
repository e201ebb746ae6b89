"""The pinned set-up: complete, from any index, and without libraries that a bare machine lacks."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PINS = (ROOT / "requirements" / "setup.txt").read_text("utf-8")


def test_every_pin_has_hashes_and_no_address():
    pins = re.findall(r"^([a-zA-Z0-9_.-]+)==", PINS, re.MULTILINE)
    blocks = re.split(r"^(?=[a-zA-Z0-9_.-]+==)", PINS, flags=re.MULTILINE)[1:]
    assert len(pins) == len(blocks) > 50
    assert all("--hash=sha256:" in block for block in blocks if "sys_platform == 'never'" not in block)
    assert "://" not in PINS


def test_opencv_is_the_headless_one():
    assert re.search(r"^opencv-python-headless==", PINS, re.MULTILINE)
    assert not re.search(r"^opencv-python==(?!.*never)", PINS, re.MULTILINE)


@pytest.mark.skipif(shutil.which("ldd") is None, reason="ldd shows which libraries a module needs, and it is not here")
def test_no_library_of_cv2_needs_a_graphics_system():
    found = importlib.util.find_spec("cv2")
    assert found is not None
    assert found.origin is not None
    if any((Path(found.origin).parent.parent).glob("opencv_python-*.dist-info")):
        pytest.skip("opencv-python is installed in this environment too; the pinned set-up has the headless one only")
    modules = list(Path(found.origin).parent.glob("*.so"))
    assert modules
    for module in modules:
        needed = subprocess.run(["ldd", str(module)], capture_output=True, text=True, check=True).stdout
        assert "libGL.so" not in needed
        assert "libX11.so" not in needed


def test_torch_and_torchvision_load_together():
    import torchvision

    assert torchvision.extension._has_ops()
