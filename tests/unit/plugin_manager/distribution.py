"""Distributions of third parties, really installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def install(folder: Path, name: str, module: str, entry_points: str, **modules: str) -> None:
    """Build a distribution with pip and install it into `folder`; `modules` are their names and texts."""
    source = folder.parent / f"source-{name}"
    source.mkdir()
    for each, text in modules.items():
        (source / f"{each}.py").write_text(text)
    (source / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\nversion = "2.5"\n{entry_points}\n'
        f"[tool.setuptools]\npy-modules = {[module, *(m for m in modules if m != module)]}\n"
    )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps"]
    subprocess.run([*command, "--no-compile", "--target", str(folder), str(source)], check=True)
