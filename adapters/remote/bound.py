"""Calls on behalf of one context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar
from urllib.parse import quote

from ...core.context import Context
from ...core.errors import Unavailable
from ...core.model.codec import from_json, to_json
from ...core.model.operation import Operation
from ...core.model.page import Page, Query
from ...core.model.request import Credential
from .client import Client

T = TypeVar("T")


class Caller:
    """A client with the credential, tenant and request id of one context."""

    def __init__(self, client: Client, credential: Credential, context: Context) -> None:
        self.client = client
        self.credential = credential
        self.context = context

    def ask(self, method: str, path: str, **given: Any) -> Any:
        """The decoded answer; see `Client.call`."""
        return self.client.call(
            method,
            path,
            credential=self.credential,
            tenant=self.context.tenant,
            request_id=self.context.request_id,
            **given,
        )

    def one(self, kind: type[T], method: str, path: str, **given: Any) -> T:
        """One noun."""
        return read(kind, self.ask(method, path, **given))

    def many(self, kind: type[T], path: str, query: Query | None) -> Page[T]:
        """A page of nouns."""
        query = query or Query()
        asked = {
            **query.filters,
            "sort": query.sort,
            "limit": query.limit,
            "cursor": query.cursor,
            "all_tenants": query.all_tenants or None,
            "total": query.with_total or None,
        }
        answer = self.ask("GET", path, query=asked)
        return Page([read(kind, item) for item in answer["items"]], answer.get("next"), answer.get("total"))

    def operation(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Operation:
        """The operation that a change was accepted as."""
        asked = {**(query or {}), "dry_run": dry_run or None}
        return self.one(Operation, method, path, body=body, key=key, if_version=if_version, query=asked)


class Bound:
    """A part of the contract, on behalf of one context."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller


def read(kind: type[T], document: Any) -> T:
    """A noun from its JSON; raises `Unavailable` when the other side speaks another language."""
    try:
        return from_json(kind, document)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise Unavailable(f"The server's {kind.__name__} cannot be read: {error}.") from error


def given(request: Any) -> dict[str, Any]:
    """A request as JSON, without what is left at its default."""
    document = to_json(request)
    return {
        field.name: document[field.name] for field in fields(request) if getattr(request, field.name) != _default(field)
    }


def _default(field: Any) -> Any:
    return field.default_factory() if callable(field.default_factory) else field.default


def part(text: str) -> str:
    """An id or name as one segment of a path."""
    return quote(text, safe="")
