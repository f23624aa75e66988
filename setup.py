"""What setup.cfg cannot say: a build fetches the style of the web pages before it looks which files there are."""

import runpy
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithStyle(build_py):
    """Both kinds of distribution ask this command for the files of the packages."""

    def finalize_options(self) -> None:
        super().finalize_options()
        style = runpy.run_path(str(Path(__file__).resolve().parent / "ui_bridge" / "style.py"))
        try:
            style["fetch"]()
        except style["Unfetched"] as reason:
            print(f"The web pages are packed without their style: {reason}", file=sys.stderr)

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = super().find_package_modules(package, package_dir)
        # The root of the repository is the package, and this file is no part of it.
        return [each for each in found if (each[0], each[1]) != ("isthmus", "setup")]


setup(cmdclass={"build_py": BuildWithStyle})
