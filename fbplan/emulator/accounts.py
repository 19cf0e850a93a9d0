"""Who asks: login, refresh, logout, the bearer token, and the organisation's quota (api/README.md §8)."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime

from fbplan.emulator import tokens
from fbplan.emulator.answers import Answer, Form, Rejected
from fbplan.emulator.call import Call, Caller, Operation
from fbplan.emulator.documents import texts
from fbplan.emulator.settings import Settings
from fbplan.emulator.store import Store

REFRESH_LIFETIME = 30 * 24 * 3600
UNLIMITED = 1_000_000_000
NOBODY = Caller("", 0)


def caller_of(authorization: str, store: Store, settings: Settings, now: datetime) -> Caller:
    """The caller behind an Authorization header; without `require_login` any token is the owner's. Raises Rejected."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Rejected(401, "Unauthorized", "NO_AUTH_USER")
    claims = tokens.claims_of(token, store.meta("signing_key"))
    if claims is None:
        if settings.require_login:
            raise Rejected(401, "Unauthorized", "NO_AUTH_USER")
        return Caller(store.meta("owner_id"), 255)
    if settings.require_login and float(str(claims["exp"])) <= now.timestamp():
        raise Rejected(401, "Token expired", "NO_AUTH_USER")
    row = store.db.execute("SELECT org_role FROM account WHERE id = ?", (claims["userId"],)).fetchone()
    if row is None:
        raise Rejected(401, "Unauthorized", "NO_AUTH_USER")
    return Caller(str(claims["userId"]), row["org_role"])


def login(call: Call) -> Answer:
    body = texts(call.document, required=("email", "password"))
    row = _account(call, body["email"], body["password"])
    issued = _issue(call, row)
    user = {
        "id": row["id"],
        "email": row["email"],
        "name": row["name"],
        "orgId": call.store.meta("org_id"),
        "orgRole": row["org_role"],
    }
    return Answer({"success": True, **issued, "tokenId": call.store.next_id(), "user": user})


def _account(call: Call, email: str, password: str) -> sqlite3.Row:
    """The account that may log in so: one of the scenario's, or with none listed an owner. Raises Rejected."""
    name, org_role = "Ada", 255
    if call.settings.users:
        known = {(user.email, user.password): user for user in call.settings.users}
        if (email, password) not in known:
            raise Rejected(401, "Invalid credentials", "INVALID_CREDENTIALS")
        name, org_role = known[email, password].name, known[email, password].org_role
    return known_account(call, email, name, org_role)


def known_account(call: Call, email: str, name: str, org_role: int) -> sqlite3.Row:
    """The account of an e-mail, made on first sight."""
    if call.row("SELECT 1 FROM account WHERE email = ?", email) is None:
        call.write(
            "INSERT INTO account (id, email, name, last_name, org_role) VALUES (?, ?, ?, 'Example', ?)",
            call.store.next_id(), email, name, org_role,
        )  # fmt: skip
    row = call.row("SELECT * FROM account WHERE email = ?", email)
    assert row is not None  # noqa: S101 -- made above
    return row


def _issue(call: Call, account: sqlite3.Row) -> dict[str, object]:
    issued = int(call.now.timestamp())
    expires = issued + call.settings.token_lifetime
    claims = {
        "userId": account["id"],
        "email": account["email"],
        "orgId": call.store.meta("org_id"),
        "type": "access",
        "iat": issued,
        "exp": expires,
        "jti": call.store.next_id(),
    }
    refresh_token = secrets.token_urlsafe(32)
    call.write(
        "INSERT INTO refresh_token VALUES (?, ?, ?)",
        tokens.digest(refresh_token),
        account["id"],
        issued + REFRESH_LIFETIME,
    )
    return {
        "accessToken": tokens.sign(claims, call.store.meta("signing_key")),
        "refreshToken": refresh_token,
        "expiresAt": expires * 1000 if call.settings.expires_at_unit == "milliseconds" else expires,
    }


def refresh(call: Call) -> Answer:
    """Either spelling of the field is read; the token that was used is void from then on."""
    body = texts(call.document, optional=("refreshToken", "refresh_token"))
    token = body.get("refreshToken") or body.get("refresh_token")
    if not token:
        raise Rejected(400, "refreshToken is required")
    row = call.row(
        "SELECT a.* FROM refresh_token t JOIN account a ON a.id = t.user_id WHERE t.digest = ? AND t.expires_at > ?",
        tokens.digest(token), call.now.timestamp(),
    )  # fmt: skip
    if row is None:
        raise Rejected(401, "Invalid refresh token", "INVALID_REFRESH_TOKEN")
    call.write("DELETE FROM refresh_token WHERE digest = ?", tokens.digest(token))
    return Answer({"success": True, **_issue(call, row)})


def logout(call: Call) -> Answer:
    body = texts(call.document, optional=("refresh_token", "refreshToken"))
    for token in body.values():
        call.write("DELETE FROM refresh_token WHERE digest = ?", tokens.digest(token))
    return Answer({"success": True})


def quota(call: Call) -> Answer:
    counts = (
        ("BUCKETS_COUNT", "Registered buckets", "bucket", call.settings.bucket_quota),
        ("REPOS_COUNT", "Repositories", "repository", call.settings.repo_quota),
    )
    usage = []
    for code, description, table, limit in counts:
        current = call.count(f"SELECT count(*) FROM {table} WHERE deleted_at IS NULL")  # noqa: S608 -- the table above
        most = UNLIMITED if limit is None else limit
        capability = {
            "id": f"c-{code}",
            "code": code,
            "description": description,
            "type": "STORAGE",
            "periodType": "ALL_TIME",
        }
        percentage = round(100 * current / most) if most else 100
        usage.append({"capability": capability, "usage": {"current": current, "max": most, "percentage": percentage}})
    subscription = {"id": "s-1", "name": "Emulated", "description": "The emulator's own plan"}
    return Answer({"success": True, "subscription": subscription, "quotaUsage": usage})


OPERATIONS = (
    Operation("POST", "/user/login", login, Form.CODED, writes=True, is_public=True),
    Operation("POST", "/user/refresh", refresh, Form.CODED, writes=True, is_public=True),
    Operation("POST", "/user/logout", logout, Form.CODED, writes=True),
    Operation("GET", "/user/quota", quota, Form.CODED),
)
