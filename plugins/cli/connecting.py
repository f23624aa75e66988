"""The commands with which a host reaches an attached volume."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.model.attachment import AccessMode, Attachment, Connection


def instructions(attachment: Attachment, connection: Connection, *, with_secrets: bool) -> Iterator[str]:
    """Lines for a root shell on the host. Secrets are named by where to put them unless they are to be shown."""
    if connection.protocol == "iscsi":
        yield from _iscsi(attachment, connection, with_secrets)
    elif connection.protocol == "nbd":
        yield from _nbd(attachment, connection, with_secrets)
    else:
        for name, value in connection.public.items():
            yield f"{name}: {value}"


def _iscsi(attachment: Attachment, connection: Connection, with_secrets: bool) -> Iterator[str]:
    public = connection.public
    portal, iqn, user = public["portals"][0], public["iqn"], public["chap_user"]
    secret = connection.secrets["chap_secret"] if with_secrets else "$SECRET"
    if not with_secrets:
        yield f"SECRET=...    # from `isthmus attachment show {attachment.id} --secrets`"
    node = f"iscsiadm -m node -T {iqn} -p {portal}"
    yield f"{node} -o new"
    yield f"{node} -o update -n node.session.auth.authmethod -v CHAP"
    yield f"{node} -o update -n node.session.auth.username -v {user}"
    yield f"{node} -o update -n node.session.auth.password -v {secret}"
    yield f"{node} --login"
    yield f"ls -l /dev/disk/by-id/ | grep {public['identifier'].removeprefix('naa.')}"
    yield ""
    yield "Without root, with qemu (the secret stands in a file, not on the command line):"
    yield (
        "qemu-io --object secret,id=chap,file=SECRET-FILE --image-opts "
        f"driver=iscsi,transport=tcp,portal={portal},target={iqn},lun={public['lun']},user={user},"
        "password-secret=chap,initiator-name=YOUR-IQN"
    )


def _nbd(attachment: Attachment, connection: Connection, with_secrets: bool) -> Iterator[str]:
    public = connection.public
    read_only = attachment.mode is AccessMode.READ_ONLY
    export = public["export"]
    if public.get("socket"):
        flag = " -r" if read_only else ""
        yield f"nbd-client -unix {public['socket']} -N {export} /dev/nbd0"
        yield f"qemu-io{flag} -f raw 'nbd+unix:///{export}?socket={public['socket']}'"
        return
    if public.get("tls"):
        yield "mkdir -m 700 /etc/isthmus-nbd"
        yield "# put there ca-cert.pem, client-cert.pem and client-key.pem:"
        if with_secrets:
            for name, file in (("ca", "ca-cert"), ("certificate", "client-cert"), ("key", "client-key")):
                yield f"cat > /etc/isthmus-nbd/{file}.pem <<'PEM'"
                yield from connection.secrets[name].strip().splitlines()
                yield "PEM"
        else:
            yield f"# `isthmus attachment show {attachment.id} --secrets` prints them"
    where = f"{public['address']} {public['port']}"
    folder = "/etc/isthmus-nbd"
    tls = f" -x -F {folder}/client-cert.pem -K {folder}/client-key.pem -A {folder}/ca-cert.pem"
    yield f"nbd-client {where} -N {export}{tls if public.get('tls') else ''}{' -R' if read_only else ''} /dev/nbd0"
    yield ""
    yield "Without root, with qemu:"
    creds = f"--object tls-creds-x509,id=tls0,endpoint=client,dir={folder} " if public.get("tls") else ""
    use = ",tls-creds=tls0" if public.get("tls") else ""
    yield (
        f"qemu-io {'-r ' if read_only else ''}{creds}--image-opts "
        f"driver=nbd,host={public['address']},port={public['port']},export={export}{use}"
    )
