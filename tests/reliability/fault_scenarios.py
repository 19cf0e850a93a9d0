"""Every kind of step, as data: what stands there before, the spec that needs the step, and which request it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of step. `path` may hold the address of a live object in braces; it stands for the remote id."""

    name: str
    column: str
    """Its column in the table: create, issue, update or delete."""
    before: str
    after: str
    step: str
    method: str
    path: str
    listing: str
    """The listing that settles it."""
    allow: tuple[str, ...] = ()


def _bucket(name: str, **more: str) -> str:
    facts = {
        "bucket": f"acme-{name}", "storage_type": "S3", "region": "r", "key": "{env: K}", "secret": "{env: S}",
        "version": "1", "soft_cap": "{limit: 1GB}", **more,
    }  # fmt: skip
    if "credential" in more:
        facts = {k: v for k, v in facts.items() if k not in {"key", "secret", "version"}}
    return f"  {name}: {{{', '.join(f'{k}: {v}' for k, v in facts.items())}}}\n"


def _credential(name: str, **more: str) -> str:
    facts = {"provider": "AWS", "key": "{env: K2}", "secret": "{env: S2}", "version": "1", "region": "eu", **more}
    return f"  {name}: {{{', '.join(f'{k}: {v}' for k, v in facts.items())}}}\n"


def _repository(name: str, *attached: str, keys: str = "", routed: bool = False, more: str = "") -> str:
    buckets = ", ".join(f"{{bucket: {b}, folder: {name}}}" for b in attached)
    routing = f", routing: {{order: [{', '.join(attached)}]}}" if routed else ""
    api_keys = f", api_keys: {{{keys}}}" if keys else ""
    return f"  {name}: {{storage_type: S3, buckets: [{buckets}]{api_keys}{routing}{more}}}\n"


def _spec(credentials: str = "", buckets: str = "", repositories: str = "") -> str:
    parts = (("credentials", credentials), ("buckets", buckets), ("repositories", repositories))
    return "".join(f"{title}:\n{text}" for title, text in parts if text)


A, B, X = _bucket("a"), _bucket("b"), _credential("x")
SHARED = _bucket("c", credential="x")
W = "w: {access: WRITE, sink: {file: w.env}}"
APP, ROUTED, KEYED = _repository("app", "a"), _repository("app", "a", routed=True), _repository("app", "a", keys=W)
PUT_BUCKET, PUT_REPO = ("PUT", "/bucket/{bucket.a}", "/bucket"), ("PUT", "/repo/{repository.app}", "/repo")
KEYS, KEY = "/repo/{repository.app}/apikey", "/repo/{repository.app}/apikey/{api_key.app.w}"

SCENARIOS = tuple(
    Scenario(*row)
    for row in (
        ("create-bucket", "create", _spec("", A, ROUTED), _spec("", A + B, _repository("app", "a", "b", routed=True)),
            "bucket.b:create", "POST", "/bucket", "/bucket"),
        ("create-bucket-shared", "create", _spec(X, A, APP), _spec(X, A + SHARED, _repository("app", "a", "c")),
            "bucket.c:create", "POST", "/bucket", "/bucket"),
        ("create-credential", "create", _spec("", A), _spec(X, A + SHARED),
            "credential.x:create", "POST", "/apikeys", "/apikeys"),
        ("create-repository", "create", _spec("", A, APP), _spec("", A, APP + _repository("new", keys=W)),
            "repository.new:create", "POST", "/repo", "/repo"),
        ("update-bucket", "update", _spec("", A), _spec("", _bucket("a", region="r2")),
            "bucket.a:update", *PUT_BUCKET),
        ("rename-bucket", "update", _spec("", A, APP),
            _spec("", _bucket("z", bucket="acme-a", renamed_from="a"), APP.replace("bucket: a", "bucket: z")),
            "bucket.z:update", "PUT", "/bucket/{bucket.z}", "/bucket", ("rename:bucket.z",)),
        ("resend-bucket", "update", _spec("", A),
            _spec("", _bucket("a", version="2", key="{env: K2}", secret="{env: S2}")), "bucket.a:update", *PUT_BUCKET),
        ("update-credential", "update", _spec(X, A), _spec(_credential("x", region="us"), A),
            "credential.x:update", "PUT", "/apikeys/{credential.x}", "/apikeys"),
        ("resend-credential", "update", _spec(X, A),
            _spec(_credential("x", version="2", key="{env: K}", secret="{env: S}"), A),
            "credential.x:update", "PUT", "/apikeys/{credential.x}", "/apikeys"),
        ("attach", "update", _spec("", A + B, ROUTED), _spec("", A + B, _repository("app", "a", "b", routed=True)),
            "repository.app:update", *PUT_REPO),
        ("rename-repository", "update", _spec("", A, KEYED),
            _spec("", A, _repository("app2", "a", keys=W, more=", renamed_from: app").replace("folder: app2", "folder: app")),
            "repository.app2:update", "PUT", "/repo/{repository.app2}", "/repo"),
        ("detach", "update", _spec("", A + B, _repository("app", "a", "b", routed=True)), _spec("", A, ROUTED),
            "repository.app:narrow", *PUT_REPO),
        ("issue-key", "issue", _spec("", A, APP), _spec("", A, KEYED), "api_key.app.w:issue", "POST", KEYS, KEYS),
        ("rotate-key", "issue", _spec("", A, KEYED), _spec("", A, KEYED.replace("w.env", "moved.env")),
            "api_key.app.w:issue", "POST", KEYS, KEYS),
        ("upgrade-key", "update", _spec("", A, KEYED.replace("WRITE", "READ")), _spec("", A, KEYED),
            "api_key.app.w:update", "PUT", KEY, KEYS),
        ("downgrade-key", "update", _spec("", A, KEYED), _spec("", A, KEYED.replace("WRITE", "READ")),
            "api_key.app.w:narrow", "PUT", KEY, KEYS),
        ("delete-key", "delete", _spec("", A, KEYED), _spec("", A, APP), "api_key.app.w:delete", "DELETE", KEY, KEYS),
        ("delete-key-with-repository", "delete", _spec("", A, KEYED), _spec("", A),
            "api_key.app.w:delete", "DELETE", KEY, KEYS),
        ("delete-repository", "delete", _spec("", A, KEYED), _spec("", A),
            "repository.app:delete", "DELETE", "/repo/{repository.app}", "/repo"),
        ("delete-bucket", "delete", _spec(X, A + SHARED), _spec("", A),
            "bucket.c:delete", "DELETE", "/bucket/{bucket.c}", "/bucket"),
        ("delete-credential", "delete", _spec(X, A + SHARED), _spec("", A),
            "credential.x:delete", "DELETE", "/apikeys/{credential.x}", "/apikeys"),
        ("replace-set-aside", "update", _spec("", A), _spec("", _bucket("a", bucket="acme-new")),
            "bucket.a:set-aside", *PUT_BUCKET, ("replace:bucket.a",)),
        ("replace-create", "create", _spec("", A), _spec("", _bucket("a", bucket="acme-new")),
            "bucket.a:create", "POST", "/bucket", "/bucket", ("replace:bucket.a",)),
        ("replace-delete-old", "delete", _spec("", A), _spec("", _bucket("a", bucket="acme-new")),
            "bucket.a:delete-old", "DELETE", "/bucket/{bucket.a}", "/bucket", ("replace:bucket.a",)),
        ("replace-delete-first", "delete", _spec("", A), _spec("", _bucket("a", storage_type="GCS")),
            "bucket.a:delete-old", "DELETE", "/bucket/{bucket.a}", "/bucket", ("replace:bucket.a",)),
        ("replace-create-after", "create", _spec("", A), _spec("", _bucket("a", storage_type="GCS")),
            "bucket.a:create", "POST", "/bucket", "/bucket", ("replace:bucket.a",)),
    )
)  # fmt: skip
