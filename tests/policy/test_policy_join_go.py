"""Go files of one package become one that gofmt leaves alone."""

from __future__ import annotations

import pytest

from fbplan.policy.join_go import joined


def test_imports_are_merged_and_code_follows_in_order() -> None:
    files = [
        '// Package p is for tests.\npackage p\n\nimport (\n\t"strings"\n\t"fmt"\n)\n\nvar a = fmt.Sprint(strings.ToLower("A"))\n',
        "package p\n\n// b comes second.\nvar b = 1\n",
        'package p\n\nimport "fmt"\n\nfunc c() {\n\tfmt.Println(`\nimport (`)\n}\n',
    ]
    assert joined(files, "// Made by fbplan.", "q") == (
        "// Made by fbplan.\n\n// Package p is for tests.\npackage q\n\n"
        'import (\n\t"fmt"\n\t"strings"\n)\n\n'
        'var a = fmt.Sprint(strings.ToLower("A"))\n\n'
        "// b comes second.\nvar b = 1\n\n"
        "func c() {\n\tfmt.Println(`\nimport (`)\n}\n"
    )


@pytest.mark.parametrize("text", ["", "var a = 1\n", 'package p\n\nimport "a"\n\nimport "b"\n'])
def test_a_file_that_is_laid_out_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="package clause"):
        joined([text], "// Made by fbplan.")
