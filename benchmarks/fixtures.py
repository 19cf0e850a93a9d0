"""The same wish in three languages: N buckets for fbplan, N terraform_data for Terraform, N records for octoDNS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

ATTACHED = 10
"""Buckets in each repository."""

OCTODNS_CONFIG = """\
providers:
  wanted: {class: octodns.provider.yaml.YamlProvider, directory: ./wanted, default_ttl: 300}
  live: {class: octodns.provider.yaml.YamlProvider, directory: ./live, default_ttl: 300}
zones:
  example.com.: {sources: [wanted], targets: [live]}
"""


def repositories_for(buckets: int) -> int:
    """How many repositories go with so many buckets: none in the smallest size, then one for every hundred."""
    return buckets // 100


def write_spec(folder: Path, buckets: int) -> Path:
    """A spec of so many buckets, a tenth of them attached to repositories. Streamed: see `measure.run` on memory."""
    folder.mkdir(parents=True)
    path = folder / "fbplan.yaml"
    with path.open("w") as file:
        file.writelines(f"{line}\n" for line in _spec_lines(buckets))
    return path


def _spec_lines(buckets: int) -> Iterator[str]:
    yield from ("version: 1", "workspace: Production", "buckets:")
    for number in range(buckets):
        yield f"  b{number:05d}:"
        yield f"    bucket: acme-{number:05d}"
        yield "    storage_type: S3"
        yield "    region: us-east-1"
        yield "    key: {env: K}"
        yield "    secret: {env: S}"
        yield "    soft_cap: {limit: 500GB, soft: 80%, hard: 95%}"
    if repositories_for(buckets):
        yield "repositories:"
    for number in range(repositories_for(buckets)):
        yield from (f"  r{number:03d}:", "    storage_type: S3", "    mode: NORMAL", "    buckets:")
        for place in range(ATTACHED):
            yield f"      - {{bucket: b{number * ATTACHED + place:05d}, folder: f{place}}}"


def write_terraform(folder: Path, resources: int) -> None:
    """A configuration of so many `terraform_data`, each its own block with the fields that a bucket has."""
    folder.mkdir(parents=True)
    with (folder / "main.tf").open("w") as file:
        for number in range(resources):
            file.write(
                f'resource "terraform_data" "b{number:05d}" {{\n'
                f'  input = {{ bucket = "acme-{number:05d}", storage_type = "S3", region = "us-east-1", limit = 500 }}\n'
                "}\n"
            )


def multiply_state(applied: Path, folder: Path, resources: int) -> None:
    """The state of so many resources, made from a small applied one: applying 10,000 would take Terraform an hour."""
    state = json.loads((applied / "terraform.tfstate").read_text())
    model = json.dumps(state["resources"][0])
    state["resources"] = [json.loads(model.replace("00000", f"{number:05d}")) for number in range(resources)]
    for number, resource in enumerate(state["resources"]):
        resource["instances"][0]["attributes"]["id"] = f"00000000-0000-4000-8000-{number:012d}"
    (folder / "terraform.tfstate").write_text(json.dumps(state))


def write_octodns(folder: Path, records: int) -> None:
    """A zone of so many A records, wanted and live alike."""
    for side in ("wanted", "live"):
        (folder / side).mkdir(parents=True)
        with (folder / side / "example.com.yaml").open("w") as file:
            file.write("---\n")
            for number in range(records):
                address = f"10.0.{number // 256}.{number % 256}"
                file.write(f"b{number:05d}: {{ttl: 300, type: A, value: {address}}}\n")
    (folder / "config.yaml").write_text(OCTODNS_CONFIG)
