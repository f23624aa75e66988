"""The manifest and what it needs as one file (`plugin.zip`), for clients that take it so."""

from __future__ import annotations

import io
import json
import zipfile

from . import icons
from .manifest import Surface, manifest

_TIME = (1980, 1, 1, 0, 0, 0)
# The least a ZIP file can say: the same content is the same file, whenever it is made.


def archive(surface: Surface, version: str) -> bytes:
    """`plugin.json` and the icons; raises `Invalid` for a version that there is not."""
    files = {"plugin.json": json.dumps(manifest(surface, version), ensure_ascii=False, indent=1).encode()}
    files.update({f"icons/{theme}.png": icons.sheet(theme) for theme in icons.THEMES})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return buffer.getvalue()
