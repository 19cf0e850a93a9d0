"""The source {env: NAME}."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from fbplan.secrets.base import Source
from fbplan.secrets.value import Secret, Unusable, received

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=255)]


class EnvSource(Source):
    """The secret is the value of an environment variable."""

    key: ClassVar[str] = "env"

    env: Name = Field(description="The variable's name, without `$`.", examples=["GCP_CLIENT_EMAIL"])

    @override
    def read(self, folder: Path, environ: Mapping[str, str]) -> Secret:
        # surrogatepass: what the environment holds besides UTF-8 arrives as surrogates and is refused as such
        match received(environ.get(self.env, "").encode("utf-8", "surrogatepass")):
            case Secret() as secret:
                return secret
            case Unusable(reason):
                why = reason if environ.get(self.env) else "is empty" if self.env in environ else "is not set"
                raise self.unavailable(
                    f"the environment variable '{self.env}' {why}",
                    f"set {self.env} in the environment of fbplan, or name another source in the spec",
                )

    @override
    def describe(self) -> str:
        return f"env {self.env}"
