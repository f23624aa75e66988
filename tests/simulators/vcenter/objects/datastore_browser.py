"""HostDatastoreBrowser: the files of one datastore."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..managed import Managed
from ..registry import named_fault, vim
from ..storage.files import DISK, MAPPING, SNAPSHOT, File, parsed
from ..wire.call import Call

if TYPE_CHECKING:
    from .datastore_files import DatastoreFiles


class DatastoreBrowser(Managed):
    """Finds files by name, in one folder or in all below it."""

    KIND = vim.host.DatastoreBrowser
    PRIVILEGES: ClassVar[Mapping[str, str]] = {
        "SearchDatastore_Task": "Datastore.Browse",
        "SearchDatastoreSubFolders_Task": "Datastore.Browse",
    }

    def __init__(self, store: DatastoreFiles) -> None:
        self.store = store
        super().__init__(store.vc, f"datastoreBrowser-{store.moid}")
        self.set("datastore", [store.ref])
        store.vc.model.add(self)

    @property
    def authority(self) -> Managed:
        return self.store

    def SearchDatastore_Task(self, call: Call, path: str, spec: Any) -> Any:
        def work(task: object) -> Any:
            folder = self._folder(path)
            return self._results(folder, spec)

        return self.vc.tasks.start(call, self, "host.DatastoreBrowser.search", work).ref

    def SearchDatastoreSubFolders_Task(self, call: Call, path: str, spec: Any) -> Any:
        def work(task: object) -> Any:
            top = self._folder(path)
            below = [each for each in self._folders() if each == top or not top or each.startswith(f"{top}/")]
            return vim.host.DatastoreBrowser.SearchResults.Array(self._results(each, spec) for each in below)

        return self.vc.tasks.start(call, self, "host.DatastoreBrowser.searchSubFolders", work).ref

    def DeleteFile(self, call: Call, path: str) -> None:
        _, name = parsed(path)
        if name not in self.store.files.all:
            raise named_fault(vim.fault.FileNotFound(file=path), f"File {path} was not found")
        self.store.files.drop(name)
        self.store.save()

    def _folders(self) -> list[str]:
        folders = {name.rpartition("/")[0] for name in self.store.files.all}
        return sorted(folders | {""})

    def _folder(self, path: str) -> str:
        name, folder = parsed(path)
        if name != self.store.name or folder not in self._folders():
            raise named_fault(vim.fault.FileNotFound(file=path), f"File {path} was not found")
        return folder

    def _results(self, folder: str, spec: Any) -> Any:
        patterns = (spec.matchPattern if spec is not None else None) or ["*"]
        prefix = f"{folder}/" if folder else ""
        names = [
            (name.removeprefix(prefix), file)
            for name, file in self.store.files.all.items()
            if name.startswith(prefix) and "/" not in name.removeprefix(prefix)
        ]
        return vim.host.DatastoreBrowser.SearchResults(
            datastore=self.store.ref,
            folderPath=f"[{self.store.name}] {prefix}",
            file=[
                _described(name, file) for name, file in names if any(fnmatch.fnmatch(name, each) for each in patterns)
            ],
        )


def _described(name: str, file: File) -> Any:
    kind: Any = vim.host.DatastoreBrowser.FileInfo
    if file.kind in (DISK, MAPPING):
        kind = vim.host.DatastoreBrowser.VmDiskInfo
    elif file.kind == SNAPSHOT:
        kind = vim.host.DatastoreBrowser.VmSnapshotInfo
    elif name.endswith(".vmx"):
        kind = vim.host.DatastoreBrowser.VmConfigInfo
    return kind(path=name, fileSize=file.allocated or len(file.content), owner="root")
