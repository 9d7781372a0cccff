"""Pure: ``openai:URL#NAME``, how a model behind an OpenAI-compatible server is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edgeagent.errors import UsageError
from edgeagent_harness.policy.hosts import canonical_endpoint_host
from edgeagent_harness.policy.types import Endpoint

PREFIX = "openai:"
KEY_VARIABLE = "EDGEAGENT_OPENAI_KEY"


@dataclass(frozen=True, slots=True)
class RemoteName:
    """``openai:URL#NAME``, read."""

    url: str
    """Of the API, for example ``https://host/v1``."""
    name: str
    """As the server calls the model."""

    @property
    def endpoint(self) -> Endpoint:
        """The one place that is reached."""
        parts = urlsplit(self.url)
        return Endpoint(canonical_endpoint_host(parts.hostname or ""), parts.port or (443 if parts.scheme == "https" else 80))

    @property
    def encrypted(self) -> bool:
        return self.url.startswith("https://")

    def notice(self) -> str:
        """What the user is told before anything leaves."""
        how = "" if self.encrypted else ", NOT encrypted"
        place = self.endpoint
        return f"the task and every screenshot of this session go to {place.host}:{place.port} (model {self.name!r}){how}"


def is_remote(model: str) -> bool:
    """Whether ``model`` names a server."""
    return model.startswith(PREFIX)


def model_name(model: str) -> str:
    """What ``model`` is called, wherever it is: a file's name, or a server's name for it. Raises `UsageError`."""
    return remote_name(model).name if is_remote(model) else Path(model).name


def remote_name(model: str) -> RemoteName:
    """Read ``openai:URL#NAME``. Raises `UsageError`."""
    url, _, name = model.removeprefix(PREFIX).partition("#")
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or not name:
            raise ValueError("it has another form")
        read = RemoteName(url.rstrip("/") + ("" if parts.path.strip("/") else "/v1"), name)
        _ = read.endpoint  # a host that cannot be spelled, a port that is none
    except ValueError as error:
        hint = "write openai:URL#NAME, for example openai:http://127.0.0.1:8080/v1#holo; a key goes into " + KEY_VARIABLE
        raise UsageError(f"{model} names no server: {error}", hint) from error
    return read
