"""What a test finds on this machine: checkout, optional data and programs, processor kernels."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CPU_INFO = Path("/proc/cpuinfo")
KERNELS = {
    "Prescott": {"pni"},  # Linux calls SSE3 `pni`
    "Nehalem": {"sse4_2"},
    "Sandybridge": {"avx"},
    "Haswell": {"avx2", "fma"},
    "SkylakeX": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}
"""Kernels of OpenBLAS that the tests run, each with the processor flags that it needs."""


def beside(*parts: str) -> Path:
    """A data set beside the repository: on a development machine, not in a user's clone.

    Skips the test where the data set is absent.
    """
    path = ROOT.parent.joinpath("shared", "data", *parts)
    if not path.exists():
        pytest.skip(f"the data set {parts[0]} does not lie beside the repository")
    return path


def needs(program: str, present: bool) -> None:
    """Skip where an optional program is absent; with HEYI_REQUIRE_ALL=1 (CI) fail there."""
    if not present:
        if os.environ.get("HEYI_REQUIRE_ALL") == "1":
            pytest.fail(f"{program} is required here and is not installed")
        pytest.skip(f"{program} is not installed")


def has_kernel(kernel: str, cpu_info: Path = CPU_INFO) -> bool:
    """Whether this processor can run a kernel of `KERNELS`; no where its flags cannot be read.

    A kernel that the processor lacks ends the process with SIGILL, so it must not be tried.
    """
    try:
        lines = cpu_info.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = next((line.partition(":")[2] for line in lines if line.startswith("flags")), "")
    return KERNELS[kernel] <= set(flags.split())


def kernel_environment(kernel: str) -> dict[str, str]:
    """Environment variables that make OpenBLAS use a kernel of `KERNELS`; "" is the default.

    Skips the test where the processor cannot run the kernel.
    """
    if not kernel:
        return {}
    if not has_kernel(kernel):
        pytest.skip(f"this processor does not run the kernel {kernel}")
    return {"OPENBLAS_CORETYPE": kernel}
