"""The helpers that read the machine and count work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.machine import KERNELS, has_kernel, kernel_environment
from tests.support.operations import operations


def test_only_kernels_whose_flags_the_processor_has(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nflags\t\t: fpu pni sse4_2 avx avx2 fma\n", encoding="utf-8")
    assert [k for k in KERNELS if has_kernel(k, info)] == [k for k in KERNELS if k != "SkylakeX"]
    info.write_text("processor : 0\nFeatures : fp asimd\n", encoding="utf-8")
    assert not any(has_kernel(k, info) for k in KERNELS)
    assert not any(has_kernel(k, tmp_path / "absent") for k in KERNELS)


def test_a_kernel_that_the_processor_lacks_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KERNELS, "Future", {"a-flag-of-no-processor"})
    with pytest.raises(pytest.skip.Exception, match="does not run the kernel Future"):
        kernel_environment("Future")
    assert kernel_environment("") == {}


def test_operations_count_calls() -> None:
    assert operations(lambda: [abs(n) for n in range(100)]) >= 100
    assert operations(lambda: None) < 10
