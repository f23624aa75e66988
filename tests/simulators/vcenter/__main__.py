"""A vCenter by hand: `python -m tests.simulators.vcenter --port 8443`. Ends with Ctrl-C."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from . import Specification, User, VCenter, sized
from .releases import RELEASES


def main() -> None:
    """Start, say where, and wait."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.vcenter", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--release", default="8.0.3", help=", ".join(RELEASES))
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--datastores", type=int, default=4)
    parser.add_argument("--machines", type=int, default=8)
    parser.add_argument("--user", default="administrator@vsphere.local")
    parser.add_argument("--password-file", type=Path, help="the first line is the password; without: Secret-1")
    parser.add_argument("--certificate-file", type=Path, help="where to write the certificate it serves")
    given = parser.parse_args()
    password = given.password_file.read_text().splitlines()[0] if given.password_file else "Secret-1"
    spec = Specification(
        release=given.release,
        users=(User(given.user, password),),
        datacenters=(sized(given.hosts, given.datastores, given.machines),),
    )
    with VCenter(spec, address=given.address, port=given.port) as vc:
        if given.certificate_file:
            given.certificate_file.write_text(vc.certificate.pem)
        print(f"{vc.url}/sdk  {vc.service_instance.about().fullName}", flush=True)
        print(f"user {given.user}  guid {vc.guid}\nSHA-256 {vc.certificate.thumbprint}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
