"""The Go files of the module: how they are laid out, and the tests that `go` itself runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import go_module
import pytest

HERE = Path(__file__).parent
FILES = sorted(go_module.FOLDER.glob("*.go"))
PROGRAMS = [HERE / "conformance/runner.go", HERE.parent / "bridge/bridge_service.go"]
pytestmark = pytest.mark.skipif(go_module.missing() is not None, reason=go_module.missing() or "all is there")


def texts(*paths: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def test_no_file_is_longer_than_250_lines() -> None:
    assert {p.name: n for p in FILES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 250} == {}


def test_it_needs_the_standard_library_alone() -> None:
    imported = set(re.findall(r'^\t"([^"]+)"$', go_module.module_text(), re.MULTILINE))
    assert len(imported) > 20
    assert {path for path in imported if "." in path.split("/")[0]} == set()


def test_gofmt_would_change_nothing(tmp_path: Path) -> None:
    joined = go_module.written(tmp_path, {"fbroute.go": go_module.module_text()})
    assert go_module.gofmt(go_module.FOLDER, joined, HERE / "go", *PROGRAMS) == ""


def test_vet_finds_nothing_in_the_files_nor_in_the_joined_one(tmp_path: Path) -> None:
    go_module.go(go_module.written(tmp_path / "files", texts(*FILES)), "vet", ".")
    go_module.go(go_module.written(tmp_path / "one", {"fbroute.go": go_module.module_text()}), "vet", ".")
    for program in PROGRAMS:
        files = {"fbroute.go": go_module.module_text("main"), **texts(program)}
        go_module.go(go_module.written(tmp_path / program.stem, files), "vet", ".")


def test_its_own_tests_pass_under_the_race_detector_where_there_is_a_c_compiler(tmp_path: Path) -> None:
    folder = go_module.written(tmp_path, texts(*FILES, *(HERE / "go").glob("*.go")))
    flags, changes = (["-race"], {"CGO_ENABLED": "1"}) if shutil.which("gcc") else ([], {})
    assert go_module.go(folder, "test", "-count=1", "-vet=off", *flags, ".", **changes).startswith("ok")


def test_a_program_of_another_package_can_use_it(tmp_path: Path) -> None:
    go_module.written(tmp_path, {})
    (tmp_path / "fbroute").mkdir()
    (tmp_path / "fbroute/fbroute.go").write_text(go_module.module_text(), encoding="utf-8")
    (tmp_path / "main.go").write_text(_EXAMPLE, encoding="utf-8")
    go_module.go(tmp_path, "vet", "./...")


_EXAMPLE = """package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"fbroute/fbroute"
)

func main() {
	load := func() (fbroute.Credentials, error) {
		return fbroute.NewCredentials(os.Getenv("FB_KEY_ID"), os.Getenv("FB_KEY_SECRET")), nil
	}
	router := fbroute.Open("routing-policy.json", fbroute.NewS3(load, fbroute.S3Options{}), fbroute.Options{})
	placed, err := router.Put(context.Background(), "hello.txt", strings.NewReader("hi"), fbroute.PutOptions{})
	var failed *fbroute.WriteFailed
	if errors.As(err, &failed) && errors.Is(err, fbroute.ErrReadOnly) {
		fmt.Println(failed.RetryAt(), failed.Record.Why())
		return
	}
	fmt.Println(placed.Reference)
}
"""
