from __future__ import annotations

from collections.abc import Iterator

import pytest
from languages import LANGUAGES, Language, Runner


@pytest.fixture(scope="session", params=LANGUAGES, ids=lambda language: language.name.lower())
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    language: Language = request.param
    missing = language.missing()
    if missing is not None:
        pytest.skip(missing)
    made = Runner(language)
    yield made
    made.close()
