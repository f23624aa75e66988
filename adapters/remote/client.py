"""HTTP to an Isthmus elsewhere: TLS verified, errors raised as what they are, safe repeats."""

from __future__ import annotations

import base64
import random
import tempfile
import time
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from ...core.errors import IsthmusError, Overloaded, Stale, Unauthenticated, Unavailable
from ...core.model.request import Credential

TENANT_HEADER = "X-Isthmus-Tenant"
REQUEST_ID_HEADER = "X-Openstack-Request-Id"
_ATTEMPTS = 4
_CONNECTIONS = 32


class Client:
    """Speaks to one address. Shared by threads; it keeps connections open and starts no thread.

    `ca` is the CA to trust, a file or its PEM text, None for those that requests trusts. Environment variables
    (proxies, CA bundles,
    .netrc) are not heeded: they would send credentials elsewhere or trust others. `timeout` is in seconds, for each
    answer.
    """

    def __init__(self, address: str, *, ca: str | None = None, timeout: float = 60.0) -> None:
        self.address = address.rstrip("/")
        self.timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._ca = _file_of(ca)
        self._session.verify = True if self._ca is None else str(self._ca)
        self._session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=_CONNECTIONS))
        self._session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=_CONNECTIONS))

    def call(
        self,
        method: str,
        path: str,
        *,
        credential: Credential,
        tenant: str | None = None,
        request_id: str | None = None,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
        if_version: int | None = None,
    ) -> Any:
        """Ask and return the decoded answer (None for an empty one).

        Raises the error that the server names. What may safely be repeated (reads, and anything with a `key`) is
        repeated when the connection fails or the server is overloaded, up to four times; otherwise `Unavailable`.
        """
        repeatable = method in ("GET", "HEAD", "PUT") or key is not None
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self.send(
                    method,
                    path,
                    credential=credential,
                    tenant=tenant,
                    request_id=request_id,
                    body=body,
                    query=query,
                    key=key,
                    if_version=if_version,
                )
                return decoded(answer)
            except (Unavailable, Overloaded) as error:
                if not repeatable or attempt >= _ATTEMPTS:
                    raise
                wait = min(float(error.details.get("retry_after", 0.2 * 2**attempt)), 5.0)
                time.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def send(
        self,
        method: str,
        path: str,
        *,
        credential: Credential,
        tenant: str | None = None,
        request_id: str | None = None,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
        if_version: int | None = None,
        stream: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Ask once; raises `Unavailable` when there is no answer."""
        sent = dict(headers or {})
        if tenant is not None:
            sent[TENANT_HEADER] = tenant
        if request_id is not None:
            sent[REQUEST_ID_HEADER] = request_id
        if key is not None:
            sent["Idempotency-Key"] = key
        if if_version is not None:
            sent["If-Match"] = f'"{if_version}"'
        sent.update(_authorization(credential))
        try:
            return self._session.request(
                method,
                self.address + path,
                json=body,
                params={name: _text(value) for name, value in (query or {}).items() if value is not None},
                headers=sent,
                timeout=(10.0, self.timeout),
                stream=stream,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise Unavailable(
                f"{self.address} did not prove who it is.",
                next_step="Check the CA file and the name in the address.",
            ) from error
        except requests.exceptions.RequestException as error:
            raise Unavailable(
                f"{self.address} does not answer.", next_step="Check the address, and that the server runs there."
            ) from error

    def close(self) -> None:
        """Close the connections. Idempotent."""
        self._session.close()
        if isinstance(self._ca, _TextFile):
            self._ca.close()


class _TextFile:
    """PEM text as the file that requests needs, gone with the object."""

    def __init__(self, text: str) -> None:
        self._file = tempfile.NamedTemporaryFile("w", prefix="isthmus-ca-", suffix=".pem")  # noqa: SIM115
        self._file.write(text)
        self._file.flush()

    def __str__(self) -> str:
        return self._file.name

    def close(self) -> None:
        self._file.close()


def _file_of(ca: str | None) -> str | _TextFile | None:
    return _TextFile(ca) if ca is not None and "-----BEGIN" in ca else ca


def _authorization(credential: Credential) -> Mapping[str, str]:
    if credential.token is not None:
        return {"Authorization": f"Bearer {credential.token}"}
    if credential.user is not None:
        pair = f"{credential.user}:{credential.password or ''}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def decoded(answer: requests.Response) -> Any:
    """The JSON of a good answer; raises the error of another."""
    if answer.status_code >= 400:
        raise error_of(answer)
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError as error:
        raise Unavailable(f"{answer.url} gave no JSON; is this an Isthmus?") from error


def error_of(answer: requests.Response) -> IsthmusError:
    """The error that a problem document describes."""
    try:
        document = answer.json()
        found = IsthmusError.from_json({**document, "message": document["detail"]})
    except (ValueError, KeyError, TypeError):
        return _plain_error(answer)
    retry_after = answer.headers.get("Retry-After", "")
    if retry_after.isdigit():
        found.details.setdefault("retry_after", int(retry_after))
    found.details.setdefault("request_id", document.get("request_id"))
    return found


def _plain_error(answer: requests.Response) -> IsthmusError:
    kinds: Mapping[int, type[IsthmusError]] = {401: Unauthenticated, 412: Stale, 503: Overloaded}
    kind = kinds.get(answer.status_code, Unavailable if answer.status_code >= 500 else IsthmusError)
    return kind(f"The server answered {answer.status_code} without saying why.")


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
