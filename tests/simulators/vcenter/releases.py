"""The releases of vCenter that can be played, and the API versions each speaks."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from .registry import NAMESPACE, POLICY_NAMESPACE, named_fault, support, vmodl


@dataclass(frozen=True, slots=True)
class Release:
    """One release: what it calls itself, and the newest API version it speaks (the registry's name)."""

    version: str
    build: str
    api: str

    @property
    def api_version(self) -> str:
        """As in AboutInfo.apiVersion and in the SOAPAction header."""
        return str(support.versionIdMap[self.api])

    @property
    def has_api(self) -> bool:
        """Whether REST is below `/api` too, not only below `/rest`: from 7.0.2 on."""
        return tuple(map(int, self.version.split("."))) >= (7, 0, 2)

    def newest(self, namespace: str) -> str:
        """The newest version of the API with this namespace: the vCenter's own, or that of storage policies."""
        return self.api.replace("vim.", "pbm.", 1) if namespace == POLICY_NAMESPACE else self.api

    def speaks(self, version: str) -> bool:
        """Whether requests of this API version are understood."""
        return bool(support.IsChildVersion(self.api, version))

    def negotiated(self, action: str, namespace: str = NAMESPACE) -> str:
        """The API version of a request, by its SOAPAction header. InvalidRequest for one this release does not know."""
        wanted = action.strip().strip('"')
        newest = self.newest(namespace)
        if not wanted:
            return f"{newest.partition('.')[0]}.version.version1"
        version = support.versionMap.get(wanted.removeprefix("urn:"))
        if wanted == namespace:
            version = newest
        if version is None or not support.IsChildVersion(newest, version):
            raise named_fault(vmodl.fault.InvalidRequest(), f'Unsupported version URI "{wanted}"')
        return str(version)

    def service_versions(self) -> str:
        """The document at `/sdk/vimServiceVersions.xml`."""
        older = [
            version
            for version in support.GetServiceVersions("vim25")
            if version != self.api and self.speaks(version) and support.versionIdMap[version]
        ]
        names = "".join(f"<version>{escape(support.versionIdMap[each])}</version>" for each in older)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<namespaces version="1.0"><namespace>'
            f"<name>{NAMESPACE}</name><version>{escape(self.api_version)}</version>"
            f"<priorVersions>{names}</priorVersions></namespace></namespaces>"
        )


RELEASES = {
    each.version: each
    for each in (
        Release("7.0.0", "15952498", "vim.version.v7_0"),
        Release("7.0.3", "20150588", "vim.version.v7_0_3_0"),
        Release("8.0.0", "20519528", "vim.version.v8_0_0_0"),
        Release("8.0.1", "21560480", "vim.version.v8_0_1_0"),
        Release("8.0.2", "22385739", "vim.version.v8_0_2_0"),
        Release("8.0.3", "24022515", "vim.version.v8_0_3_0"),
        Release("9.0.0", "24755230", "vim.version.v9_0_0_0"),
    )
}


def release(version: str) -> Release:
    """By its number; `7.0`, `8.0` and `9.0` mean the newest of them. `KeyError` for one that cannot be played."""
    matching = [known for name, known in RELEASES.items() if f"{name}.".startswith(f"{version}.")]
    if not matching:
        raise KeyError(version)
    return matching[-1]
