"""The case of the vendor's guide: three buckets, one repository, a WRITE and a READ key."""

from __future__ import annotations

import copy
from typing import Any

from fbplan.policy.compose import Content, compose
from fbplan.policy.document import Ids, finish, spec_digest
from fbplan.spec.model import Spec

GUIDE: dict[str, Any] = {
    "version": 1,
    "workspace": "acme-prod",
    "buckets": {
        "app-logs-gcp": {
            "bucket": "acme-app-logs",
            "storage_type": "GCS",
            "provider": "gcp",
            "region": "us-east1",
            "key": {"env": "CANARY_ENV_NAME"},
            "secret": {"exec": ["canary-command", "canary-argument"]},
            "soft_cap": {"limit": "500GB", "soft": "80%", "hard": "95%"},
        },
        "app-logs-aws": {
            "bucket": "acme-app-logs-aws",
            "storage_type": "S3",
            "provider": "aws",
            "region": "us-east-1",
            "soft_cap": {"limit": "1TB"},
        },
        "app-logs-azure": {
            "name": "App logs (Azure)",
            "bucket": "acmeapplogs",
            "storage_type": "BLOB",
            "provider": "azure",
            "soft_cap": [{"limit": "unlimited", "soft": "100%"}, {"meter": "stored_bytes", "limit": "2TiB"}],
        },
        "not-attached": {"bucket": "elsewhere", "storage_type": "S3"},
    },
    "repositories": {
        "app-data": {
            "storage_type": "S3",
            "mode": "NORMAL",
            "buckets": [
                {"bucket": "app-logs-aws", "folder": "aws"},
                {"bucket": "app-logs-gcp", "folder": "gcp/"},
                {"bucket": "app-logs-azure", "folder": ""},
            ],
            "api_keys": {
                "writer": {"access": "WRITE", "sink": {"file": "secrets/app-data-writer.env"}},
                "reader": {"access": "READ", "sink": {"exec": ["vault", "canary-vault-path", "-"]}},
            },
            "routing": {
                "endpoint": "https://s3-us-east-1-aws.flashback.tech",
                "order": ["app-logs-gcp", "app-logs-aws", "app-logs-azure"],
                "fleet": {"size": 20},
                "retry": {"per_try": "4s"},
            },
        }
    },
}

IDS = Ids(
    repositories={"app-data": "repo-1"},
    buckets={"app-logs-gcp": "b-gcp", "app-logs-aws": "b-aws", "app-logs-azure": "b-azure"},
    keys={"api_key.app-data.writer": "FBKEY1", "api_key.app-data.reader": "FBKEY2"},
)


def guide() -> dict[str, Any]:
    """A copy that a test may change."""
    return copy.deepcopy(GUIDE)


def content_of(written: dict[str, Any]) -> Content:
    return compose(Spec.model_validate(written))


def finished(written: dict[str, Any] | None = None, generation: int = 42, ids: Ids = IDS) -> dict[str, Any]:
    content = content_of(written or GUIDE)
    return finish(content, ids, generation, spec_digest(content))


def executed(source: str) -> dict[str, Any]:
    """The constants of a rendered Python module."""
    constants: dict[str, Any] = {}
    exec(compile(source, "constants.py", "exec"), constants)  # noqa: S102
    return {name: value for name, value in constants.items() if name.isupper()}


GOLDEN: dict[str, Any] = {
    "buckets": {
        "app-logs-aws": {
            "bucket_id": "b-aws",
            "container": "acme-app-logs-aws",
            "folders": {"app-data": "aws"},
            "meters": [{"limit": 1000000000000, "meter": "ingress_bytes"}],
            "provider": "aws",
            "region": "us-east-1",
            "storage_type": "S3",
            "writers": 20,
        },
        "app-logs-azure": {
            "bucket_id": "b-azure",
            "container": "acmeapplogs",
            "folders": {"app-data": ""},
            "meters": [
                {"limit": None, "meter": "ingress_bytes", "soft_ppm": 1000000},
                {"limit": 2199023255552, "meter": "stored_bytes"},
            ],
            "name": "App logs (Azure)",
            "provider": "azure",
            "storage_type": "BLOB",
            "writers": 20,
        },
        "app-logs-gcp": {
            "bucket_id": "b-gcp",
            "container": "acme-app-logs",
            "folders": {"app-data": "gcp"},
            "meters": [{"hard_ppm": 950000, "limit": 500000000000, "meter": "ingress_bytes"}],
            "provider": "gcp",
            "region": "us-east1",
            "storage_type": "GCS",
            "writers": 20,
        },
    },
    "content_digest": "sha256:a41f8ae69ca1db01066aa1a5630e7c64016ab66d2d75028d7810bb6d3f519ef0",
    "digest": "sha256:470e31ee8091cb5c0a2dd3eb09868116ca54e7dd4747a55416526f87eb69e172",
    "format": "fbplan.routing/1",
    "generation": 42,
    "min_reader": 1,
    "repositories": {
        "app-data": {
            "endpoint": "https://s3-us-east-1-aws.flashback.tech",
            "fleet": {"size": 20},
            "keys": {
                "read": {"key_id": "FBKEY2", "sink": "exec"},
                "write": {"key_id": "FBKEY1", "sink": "file:secrets/app-data-writer.env"},
            },
            "order": ["app-logs-gcp", "app-logs-aws", "app-logs-azure"],
            "protocol": "S3",
            "repo_id": "repo-1",
            "retry": {"per_try_ms": 4000},
        }
    },
    "spec_digest": "sha256:f200d8391a3614a5281ef4440914ca0044dff59693e46424524778d857807fc9",
}
