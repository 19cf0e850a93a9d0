"""Accounts with tokens that end, for the tests of the renewal."""

from __future__ import annotations

import threading
from typing import Any

from client_world import Server

from fbplan.client.auth import Login
from fbplan.secrets import Secret

LOGIN = Login("ci@example.org", Secret("password-1"))

OLD = Secret("token-1")


class Accounts:
    """An API whose tokens are good until `expire`; each login or refresh gives the next one."""

    def __init__(self, **fields: Any) -> None:
        self.good, self.issued, self.fields = {"token-1"}, 1, fields
        self.refresh = "refresh-1"
        self.server = Server(self.answer)
        self._lock = threading.Lock()

    def answer(self, _method: str, path: str, body: Any, token: str) -> Any:
        with self._lock:
            match path:
                case "/user/login":
                    if body != {"email": "ci@example.org", "password": "password-1"}:
                        return 401, {"success": False, "error_code": "INVALID_CREDENTIALS"}
                    return 200, self.next_token()
                case "/user/refresh":
                    if body != {"refreshToken": self.refresh, "refresh_token": self.refresh}:
                        return 401, {"success": False, "error_code": "INVALID_REFRESH_TOKEN"}
                    return 200, self.next_token()
            if token not in self.good:
                return 401, {"success": False, "message": "Token expired"}
            return 200, {"success": True, "workspaces": []}

    def next_token(self) -> Any:
        self.issued += 1
        self.good = {f"token-{self.issued}"}
        self.refresh = f"refresh-{self.issued}"
        return {"success": True, "accessToken": f"token-{self.issued}", "refreshToken": self.refresh, **self.fields}

    def expire(self) -> None:
        self.good = set()

    @property
    def renewals(self) -> tuple[int, int]:
        """Logins and refreshes."""
        return self.server.count("POST", "/user/login"), self.server.count("POST", "/user/refresh")
