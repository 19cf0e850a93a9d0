import copy

from policy_guide import GUIDE, content_of, finished, guide

from fbplan.policy.changes import describe
from fbplan.policy.document import Ids, preview
from fbplan.policy.wording import ratio, share, size


def test_equal_documents_have_no_differences():
    assert describe(finished(), finished(generation=43)) == ()


def test_a_first_policy_lists_what_it_holds():
    assert describe(None, finished()) == (
        "app-data: added, order app-logs-gcp → app-logs-aws → app-logs-azure",
        "bucket app-logs-aws: added, ingress_bytes limit 1 TB, soft 80%, hard 100%",
        "bucket app-logs-azure: added, ingress_bytes limit unlimited, stored_bytes limit 2 TiB, soft 80%, hard 100%",
        "bucket app-logs-gcp: added, ingress_bytes limit 500 GB, soft 80%, hard 95%",
    )


def test_each_kind_of_change_is_one_plain_line():
    written = guide()
    written["buckets"]["app-logs-gcp"]["soft_cap"] |= {
        "limit": "600GB",
        "soft": "97.5%",
        "hard": "98%",
        "anchor_day": 4,
    }
    written["buckets"]["app-logs-aws"] |= {"state": "drain", "soft_cap": {"limit": 5, "meter": "egress_bytes"}}
    repository = written["repositories"]["app-data"]
    repository["buckets"] = [{"bucket": "app-logs-gcp", "folder": "new"}, {"bucket": "app-logs-aws"}]
    repository["api_keys"] = {"writer": {"access": "WRITE", "sink": {"exec": ["vault"]}}}
    repository["routing"] = {
        "order": ["app-logs-aws", "app-logs-gcp"],
        "fleet": {"size": 1},
        "select": {"hysteresis": {"reopen": "90%"}},
        "valid": {"on_expired": "continue"},
    }
    ids = Ids({"app-data": "repo-2"}, {}, {"api_key.app-data.writer": "FBKEY9"})
    after = preview(content_of(written), ids, 1, "x")
    assert describe(finished(), after) == (
        "app-data: endpoint https://s3-us-east-1-aws.flashback.tech → none",
        "app-data: fleet.size 20 → 1",
        "app-data: read key removed (exec)",
        "app-data: write key: the key itself (issued again, rotated or let go)",
        "app-data: write key: sink file:secrets/app-data-writer.env → exec",
        "app-data: order app-logs-aws → app-logs-gcp (was app-logs-gcp → app-logs-aws → app-logs-azure)",
        "app-data: stands for another remote object",
        "app-data: retry.per_try 4000 ms → 5000 ms",
        "app-data: select.hysteresis.reopen 95% → 90%",
        "app-data: valid.on_expired read_only → continue",
        "bucket app-logs-aws: folder in app-data aws → (none)",
        "bucket app-logs-aws: cap added: egress_bytes limit 5 B, soft 80%, hard 100%",
        "bucket app-logs-aws: cap removed: ingress_bytes limit 1 TB, soft 80%, hard 100%",
        "bucket app-logs-aws: state active → drain",
        "bucket app-logs-aws: writers 20 → 1",
        "bucket app-logs-azure: removed",
        "bucket app-logs-gcp: folder in app-data gcp → new",
        "bucket app-logs-gcp: ingress_bytes hard 95% → 98%",
        "bucket app-logs-gcp: ingress_bytes limit 500 GB → 600 GB",
        "bucket app-logs-gcp: ingress_bytes period.anchor_day 1 → 4",
        "bucket app-logs-gcp: ingress_bytes soft 80% → 97.5%",
        "bucket app-logs-gcp: writers 20 → 1",
    )


def test_an_id_never_shows():
    after = copy.deepcopy(finished())
    after["repositories"]["app-data"]["repo_id"] = "new-id"
    after["buckets"]["app-logs-gcp"]["bucket_id"] = "new-id"
    after["repositories"]["app-data"]["keys"]["write"]["key_id"] = "new-id"
    lines = describe(finished(), after)
    assert len(lines) == 3
    assert "new-id" not in "".join(lines)
    assert "FBKEY1" not in "".join(lines)


def test_ids_that_are_not_known_yet_are_no_difference():
    assert describe(finished(), preview(content_of(GUIDE), Ids({}, {}, {}), 1, "x")) == ()


def test_a_line_stays_one_line_whatever_a_value_holds():
    after = copy.deepcopy(finished())
    after["repositories"]["app-data"]["endpoint"] = "https://x\n\x1b[31mfake: line\u2028\u202e"
    (line,) = describe(finished(), after)
    assert line.isprintable()


def test_attaching_and_detaching_are_told():
    written = guide()
    written["repositories"]["second"] = {
        "storage_type": "S3",
        "buckets": [{"bucket": "app-logs-aws", "folder": "two"}],
        "routing": {"order": []},
    }
    with_second = preview(content_of(written), Ids({}, {}, {}), 1, "x")
    assert describe(finished(), with_second) == (
        "second: added, order (no bucket takes writes)",
        "bucket app-logs-aws: attached to second, folder two",
    )
    assert describe(with_second, preview(content_of(GUIDE), Ids({}, {}, {}), 1, "x")) == (
        "second: removed",
        "bucket app-logs-aws: no longer attached to second",
    )


def test_sizes_are_short_and_exact():
    written = [0, 1, 999, 1000, 1024, 500 * 10**9, 1_500_000_000_000, 2**40, 1234, 123_456_789, 2**53 - 1]
    assert [size(count) for count in written] == [
        "0 B", "1 B", "999 B", "1 kB", "1 KiB", "500 GB", "1.5 TB", "1 TiB", "1234 B", "123456789 B", "9007199254740991 B",
    ]  # fmt: skip


def test_shares_and_ratios_are_exact():
    assert [share(ppm) for ppm in (0, 1, 975_000, 1_000_000)] == ["0%", "0.0001%", "97.5%", "100%"]
    assert [ratio(ppm) for ppm in (0, 1, 975_000, 1_000_000)] == ["0.0", "0.000001", "0.975", "1.0"]
