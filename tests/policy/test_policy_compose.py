import json
import time

import pytest
from policy_guide import GOLDEN, GUIDE, content_of, finished, guide

from fbplan.policy.canonical import digest_of
from fbplan.policy.compose import UNKNOWN, Content, compose, routed_names
from fbplan.policy.document import content_digest, spec_digest
from fbplan.spec.model import Spec


def test_the_guides_case_gives_exactly_this_document():
    assert finished() == GOLDEN


def test_the_digest_covers_everything_but_itself():
    without = {key: part for key, part in GOLDEN.items() if key != "digest"}
    assert GOLDEN["digest"] == digest_of(without)


def test_a_stated_default_is_left_out():
    written = guide()
    routing = written["repositories"]["app-data"]["routing"]
    routing |= {
        "address": "name",
        "valid": {"stale_after": "1d", "expires_after": "7d", "on_expired": "read_only"},
        "select": {"strategy": "ordered", "hysteresis": {"reopen": "95%", "min_closed": "5m", "ramp": "2m"}},
        "retry": {"deadline": "15s", "per_try": "4s", "max_hops": 3},
        "fleet": {"size": 20, "skew": "2s", "max_upload": "5m", "grant_ttl": "90s"},
    }
    written["buckets"]["app-logs-aws"] |= {
        "name": "app-logs-aws",
        "state": "active",
        "soft_cap": [
            {
                "limit": "1000GB",
                "soft": "80%",
                "hard": "100%",
                "reserve": "0%",
                "meter": "ingress_bytes",
                "period": "month",
                "anchor_day": 1,
                "tz": "UTC",
            }
        ],
    }
    assert content_of(written) == content_of(GUIDE)
    assert spec_digest(Spec.model_validate(written)) == GOLDEN["spec_digest"]


def test_what_is_not_default_is_written():
    written = guide()
    written["repositories"]["app-data"] |= {
        "mode": "MIRROR",
        "routing": {
            "address": "folder",
            "valid": {"stale_after": "2d", "expires_after": "3d", "on_expired": "continue"},
            "select": {"strategy": "latency", "hysteresis": {"reopen": "90%", "min_closed": "1s", "ramp": "2s"}},
            "retry": {"deadline": "1s", "per_try": "250ms", "max_hops": 0},
            "fleet": {"skew": "0s", "max_upload": "1s", "grant_ttl": "2s"},
        },
    }
    written["buckets"]["app-logs-aws"] |= {
        "state": "drain",
        "soft_cap": {"limit": 7, "reserve": "1%", "meter": "egress_bytes", "tz": "Europe/Paris", "anchor_day": 5},
    }
    body = content_of(written).body
    assert body["repositories"]["app-data"] == {
        "repo_id": UNKNOWN,
        "protocol": "S3",
        "mode": "MIRROR",
        "address": "folder",
        "order": ["app-logs-aws", "app-logs-gcp", "app-logs-azure"],
        "fleet": {"skew_s": 0, "max_upload_s": 1, "grant_ttl_s": 2},
        "valid": {"stale_after_s": 172800, "expires_after_s": 259200, "on_expired": "continue"},
        "select": {"strategy": "latency", "hysteresis": {"reopen_ppm": 900000, "min_closed_s": 1, "ramp_s": 2}},
        "retry": {"deadline_ms": 1000, "per_try_ms": 250, "max_hops": 0},
        "keys": {
            "write": {"key_id": UNKNOWN, "sink": "file:secrets/app-data-writer.env"},
            "read": {"key_id": UNKNOWN, "sink": "exec"},
        },
    }
    assert body["buckets"]["app-logs-aws"]["state"] == "drain"
    assert body["buckets"]["app-logs-aws"]["meters"] == [
        {
            "meter": "egress_bytes",
            "limit": 7,
            "reserve_ppm": 10_000,
            "period": {"tz": "Europe/Paris", "anchor_day": 5},
        }
    ]


def test_writers_are_the_sum_of_the_fleets_that_route_to_the_bucket():
    written = guide()
    written["repositories"] |= {
        "second": {
            "storage_type": "GCS",
            "buckets": [{"bucket": "app-logs-gcp", "folder": "x"}, {"bucket": "app-logs-aws", "folder": "y"}],
            "routing": {"order": ["app-logs-gcp"], "fleet": {"size": 5}},
        },
        "third": {"storage_type": "S3", "buckets": [{"bucket": "app-logs-gcp", "folder": "z"}]},
        "fourth": {"storage_type": "S3", "buckets": [{"bucket": "not-attached"}], "routing": {"order": []}},
    }
    content = content_of(written)
    buckets = content.body["buckets"]
    assert {name: bucket.get("writers", 1) for name, bucket in buckets.items()} == {
        "app-logs-gcp": 26,
        "app-logs-aws": 20,
        "app-logs-azure": 20,
        "not-attached": 0,
    }
    assert buckets["app-logs-gcp"]["folders"] == {"app-data": "gcp", "second": "x", "third": "z"}
    assert routed_names(content) == routed_names(content.body) == {"app-logs-gcp", "app-logs-aws", "app-logs-azure"}


def test_an_order_over_attachments_that_are_not_managed_keeps_its_buckets():
    written = guide()
    del written["repositories"]["app-data"]["buckets"]
    buckets = content_of(written).body["buckets"]
    assert set(buckets) == {"app-logs-gcp", "app-logs-aws", "app-logs-azure"}
    assert "folders" not in buckets["app-logs-gcp"]


@pytest.mark.parametrize(
    ("keys", "expected", "addresses"),
    [
        (
            {
                "admin": {"access": "ADMIN", "sink": {"file": "/run/a.env"}},
                "second": {"access": "WRITE", "sink": {"exec": ["x"]}},
                "third": {"access": "WRITE", "sink": "external"},
            },
            {"write": {"key_id": UNKNOWN, "sink": "exec"}},
            {("app-data", "write"): "api_key.app-data.second"},
        ),
        (
            {"admin": {"access": "ADMIN", "sink": {"file": "/run/a.env"}}, "r": {"access": "READ", "sink": "external"}},
            {"write": {"key_id": UNKNOWN, "sink": "file:/run/a.env"}, "read": {"sink": "external"}},
            {("app-data", "write"): "api_key.app-data.admin", ("app-data", "read"): "api_key.app-data.r"},
        ),
        ({}, None, {}),
    ],
)
def test_keys_are_the_first_write_else_admin_and_the_first_read(keys, expected, addresses):
    written = guide()
    written["repositories"]["app-data"]["api_keys"] = keys
    content = content_of(written)
    assert content.body["repositories"]["app-data"].get("keys") == expected
    assert content.key_addresses == addresses


def test_content_survives_a_saved_plan():
    content = content_of(GUIDE)
    assert Content.from_json(json.loads(json.dumps(content.to_json(), sort_keys=True))) == content


def test_ten_thousand_buckets_compose_and_digest_within_half_a_second():
    count = 10_000
    spec = Spec.model_validate(
        {
            "version": 1,
            "buckets": {
                f"b{n}": {
                    "bucket": f"x{n}",
                    "storage_type": "S3",
                    "provider": "aws",
                    "region": "eu",
                    "soft_cap": {"limit": "5TB", "soft": "70%"},
                }
                for n in range(count)
            },
            "repositories": {
                "r": {"storage_type": "S3", "buckets": [{"bucket": f"b{n}", "folder": f"f{n}"} for n in range(count)]}
            },
        }
    )

    def measured():
        started = time.process_time()
        content_digest(compose(spec))
        return time.process_time() - started

    assert min(measured() for _ in range(3)) < 0.5
