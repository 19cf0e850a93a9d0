"""Several Bridge Nodes over the SDKs of Google and Azure, which read from a body before they know whether one is there."""

from __future__ import annotations

import io

import pytest
from s3_world import Stream
from stand_ins import free_port

from fbplan.runtime import NotStored, Router
from fbplan.runtime.adapters.blob import BlobTransport
from fbplan.runtime.adapters.gcs import GcsTransport


@pytest.fixture
def dead(cloud):
    """The URL of a node that is away; the policy names it before the one that answers."""
    url = f"http://127.0.0.1:{free_port()}{cloud.front.upstream.path}"
    cloud.write_policy(endpoint=url, endpoints=[url, cloud.front.url])
    return url


def over(cloud, **settings):
    """A router whose nodes rest by the clock that only tests move."""
    made = GcsTransport if cloud.protocol == "GCS" else BlobTransport
    return Router.from_file(cloud.policy, made(cloud.folder, clock_ms=lambda: cloud.now), **cloud.settings(**settings))


def attempts(cloud):
    return [len(record["attempts"]) for record in cloud.records]


@pytest.mark.parametrize("is_stream", [False, True], ids=["bytes", "stream"])
def test_what_a_node_that_is_away_was_to_have_goes_whole_to_the_next(cloud, dead, is_stream, caplog):
    router, begun = over(cloud), io.BytesIO(b"before" + b"y" * 300)
    begun.seek(6)
    placed = router.put("k", begun if is_stream else b"y" * 300)
    assert (placed.bucket, attempts(cloud), cloud.pauses) == ("a", [1], []), "no bucket pays for a node"
    assert router.get(str(placed.reference)).content.read() == b"y" * 300
    assert [entry.entry.key for entry in router.list().entries] == ["k"]
    assert router.delete("k").is_complete
    told = [record.getMessage() for record in caplog.records if record.name == "fbplan.runtime"]
    assert [line.split(" ", 1)[0] for line in told] == [dead], "one line for what one request found out"


def test_what_cannot_be_read_again_is_offered_to_no_second_node_and_not_again_to_the_first(cloud, dead):
    router, begun = over(cloud, spool_limit=10), io.BufferedReader(Stream(300))
    with pytest.raises(NotStored):
        router.put("begun", begun, size=300)
    assert (cloud.puts(), attempts(cloud)) == ([], [1])
    placed = router.put("next", io.BufferedReader(Stream(300)), size=300)
    assert router.get(str(placed.reference)).content.read() == b"x" * 300
