"""A file sink reads the same in `sh` and in dotenv parsers, and keeps what is not ours."""

import re
import subprocess

import pytest

from fbplan.secrets import IssuedKey, Secret
from fbplan.secrets.dotenv import held_key_id, merged, rendered
from fbplan.secrets.value import Unusable

LINES = "FB_KEY_ID=AK1\nFB_KEY_SECRET='s 1'\nFB_REPO_ID=r-1\n"


def issued(value="s 1"):
    return IssuedKey(address="api_key.app.writer", repo_id="r-1", key_id="AK1", secret=Secret(value), generation=1)


def joined(existing):
    text = merged(Secret(existing), issued())
    assert isinstance(text, Secret)
    return text.reveal()


def read_as_dotenv(text, name):
    """The rules of python-dotenv: quotes, their escapes, comments, and ${} even inside of single quotes."""
    raw = re.search(rf"^{name}=(.*)$", text, re.MULTILINE)[1]
    if single := re.fullmatch(r"'((?:[^\\']|\\.)*)'", raw):
        value = re.sub(r"\\([\\'])", r"\1", single[1])
    elif double := re.fullmatch(r'"((?:[^\\"]|\\.)*)"', raw):
        value = re.sub(r"\\([\\'\"abfnrtv])", r"<\1>", double[1])
    else:
        value = re.sub(r"\s+#.*", "", raw).rstrip()
    return re.sub(r"\$\{[^}]*\}", "", value)


@pytest.mark.parametrize(
    "secret",
    ["plain", "a/b+c==", "two words", "#hash", "a #b", "$HOME", "$(id)", "`id`", 'say "x"', "it's", "a\\b", "~", "a;b&c|d", "ünï", "*?[", "!x", "", "=", "-n"],
)  # fmt: skip
def test_sh_and_dotenv_parsers_read_the_value_that_was_written(tmp_path, secret):
    text = rendered(issued(secret)).reveal()
    (tmp_path / "x.env").write_text(text)
    script = '. ./x.env && printf "%s|%s|%s" "$FB_KEY_ID" "$FB_KEY_SECRET" "$FB_REPO_ID"'
    shell = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shell.stdout == f"AK1|{secret}|r-1"
    assert read_as_dotenv(text, "FB_KEY_SECRET") == secret
    assert held_key_id(Secret(text)) == ("AK1" if secret else "")


@pytest.mark.parametrize(
    "secret", ["a\nb", "a\rb", "a\0b", "a\udcff", "${HOME}", "a\\\\b", "end\\", "it's $HOME", "'\""]
)
def test_a_value_that_readers_would_read_differently_is_refused(secret):
    match rendered(issued(secret)):
        case Unusable(reason):
            assert reason.startswith("FB_KEY_SECRET holds ")
            assert secret not in reason
        case Secret():
            pytest.fail("not refused")


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ("", LINES),
        ("A=1", "A=1\n" + LINES),
        ("# note\nA=1\n", "# note\nA=1\n" + LINES),
        ("A=1\nFB_KEY_ID=old\n\nFB_REPO_ID=old\nB=$FB_KEY_ID\n", "A=1\n" + LINES + "\nB=$FB_KEY_ID\n"),
        ("FB_KEY_ID=a\nFB_KEY_ID=b\n", LINES),
        ("#FB_KEY_ID=old\n", "#FB_KEY_ID=old\n" + LINES),
        ("FB_KEY_ID_2=x\n", "FB_KEY_ID_2=x\n" + LINES),
        ("FB_KEY_SECRET='two\nlines'\nB=2\n", LINES + "B=2\n"),
        ("A='x\nFB_KEY_ID=inside\n'\n", "A='x\nFB_KEY_ID=inside\n'\n" + LINES),
        ("A=it's\nFB_KEY_ID=old\n", "A=it's\n" + LINES),
        ("A=1\r\nFB_KEY_ID=old\r\n", "A=1\r\n" + LINES),
    ],
)
def test_our_names_are_replaced_and_every_other_line_is_kept(existing, expected):
    assert joined(existing) == expected
    assert joined(expected) == expected


def test_export_is_kept():
    assert joined("export FB_KEY_ID=old\n") == "".join(f"export {line}\n" for line in LINES.splitlines())


@pytest.mark.parametrize(
    ("content", "key_id"),
    [
        (LINES, "AK1"),
        ("FB_KEY_ID=old\n" + LINES, "AK1"),
        ('export FB_KEY_ID="A\\"K" # note\nFB_KEY_SECRET=s # note\n', 'A"K'),
        ("FB_KEY_ID=AK1 # note\r\nFB_KEY_SECRET=s\r\n", "AK1"),
        ("FB_KEY_ID=AK1\n", ""),
        ("FB_KEY_ID=AK1\nFB_KEY_SECRET=\n", ""),
        ("FB_KEY_SECRET=s\n", ""),
        ("", ""),
    ],
)
def test_the_key_id_counts_only_together_with_its_secret(content, key_id):
    assert held_key_id(Secret(content)) == key_id
