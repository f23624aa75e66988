"""SessionManager: login, logout, and sessions cloned by ticket."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import named_fault, vim
from ..wire.call import Call

if TYPE_CHECKING:
    from ..sessions import Session

_LOCALES = ("en", "en_US", "de", "fr", "ja", "ko", "zh_CN", "zh_TW", "es")


def _refused() -> Any:
    return named_fault(vim.fault.InvalidLogin(), "Cannot complete login due to an incorrect user name or password.")


class SessionManager(Managed):
    """The sessions of this vCenter."""

    KIND = vim.SessionManager

    @computed("sessionList")
    def session_list(self, session: Session | None) -> Any:
        """All sessions."""
        return [each.described() for each in self.vc.sessions.all()]

    @computed("currentSession")
    def current(self, session: Session | None) -> Any:
        """The session that asks; unset before login."""
        return None if session is None else session.described()

    @computed("defaultLocale")
    def default_locale(self, session: Session | None) -> str:
        """As specified."""
        return self.vc.spec.locale

    @computed("supportedLocaleList")
    def locales(self, session: Session | None) -> list[str]:
        """Locales a session may have."""
        return list(_LOCALES)

    @computed("messageLocaleList")
    def message_locales(self, session: Session | None) -> list[str]:
        """Locales messages exist in."""
        return list(_LOCALES)

    def Login(self, call: Call, user_name: str, password: str, locale: str | None) -> Any:
        if call.session is not None:
            raise _refused()
        user = self.vc.user_with(user_name, password)
        if user is None:
            raise _refused()
        if "System.View" not in self.vc.rights.of_user(user, self.vc.root):
            raise named_fault(
                vim.fault.NoPermission(object=self.vc.root.ref, privilegeId="System.View"),
                "Permission to perform this operation was denied: the user has no permission on this vCenter.",
            )
        return self._open(call, user, locale)

    def _open(self, call: Call, user: str, locale: str | None) -> Any:
        self._check_locale(locale)
        call.session = self.vc.sessions.open(
            user, address=call.address, agent=call.agent, locale=locale or self.vc.spec.locale
        )
        return call.session.described()

    @staticmethod
    def _check_locale(locale: str | None) -> None:
        if locale and locale not in _LOCALES:
            raise named_fault(vim.fault.InvalidLocale(), f"There is no locale {locale}")

    def Logout(self, call: Call) -> None:
        self.vc.sessions.close(call.who)

    def SetLocale(self, call: Call, locale: str) -> None:
        self._check_locale(locale)
        call.who.locale = locale

    def TerminateSession(self, call: Call, keys: list[str]) -> None:
        sessions = [self.vc.sessions.with_key(key) for key in keys]
        if None in sessions:
            raise named_fault(vim.fault.NotFound(), "There is no such session")
        for session in sessions:
            if session is not None and session is not call.session:
                self.vc.sessions.close(session)

    def SessionIsActive(self, call: Call, key: str, user_name: str) -> bool:
        session = self.vc.sessions.with_key(key)
        return session is not None and session.user.lower() == user_name.lower()

    def AcquireCloneTicket(self, call: Call) -> str:
        return self.vc.sessions.ticket(call.who)

    def CloneSession(self, call: Call, ticket: str) -> Any:
        original = None if call.session is not None else self.vc.sessions.redeem(ticket)
        if original is None:
            raise named_fault(vim.fault.InvalidLogin(), "The clone ticket is not valid.")
        return self._open(call, original.user, original.locale)
