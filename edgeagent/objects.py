"""Opens what `obstore` knows: a folder, S3, GCS, Azure. Its library is an extra, so import this module late."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgeagent.errors import EnvironmentProblem

obstore: Any = import_module("obstore")
_store: Any = import_module("obstore.store")
TROUBLE = (OSError, ValueError, obstore.exceptions.BaseError)
"""What its calls raise."""
_KEYS = (
    "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_METADATA_ENDPOINT",
)  # fmt: skip
"""One of these says where credentials come from. Without any, the library would look for a machine's role in the network."""
_CLIENT = {"connect_timeout": "5s", "timeout": "60s"}
_RETRY = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}
_XML = re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)
_TOLD = 300


def directory_of(url: str) -> Path | None:
    """The folder that ``url`` means, if it means one."""
    return Path(url.removeprefix("file://")) if url.startswith("file://") else None


def opened(url: str, what: str, tidy: bool = False) -> Any:
    """The store at ``url`` (``file:///…``, whose folder is there; ``s3://bucket/prefix``, …), which is ``what`` to people.
    ``tidy``: folders in a folder go with the last thing in them.

    Reaches nothing yet. Raises `EnvironmentProblem` without credentials for S3, and one of `TROUBLE`.
    """
    if url.startswith("s3") and not any(map(os.environ.get, _KEYS)):
        raise EnvironmentProblem(
            f"no credentials for the {what} at {url}", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
        )
    if directory := directory_of(url):
        return _store.LocalStore(directory, automatic_cleanup=tidy)
    return _store.from_url(url, client_options=_CLIENT | plain_http(), retry_config=_RETRY)


def plain_http() -> dict[str, bool]:
    """The client's option for it: plain HTTP is for this machine alone, unless AWS_ALLOW_HTTP says otherwise."""
    host = urlsplit(os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or "").hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return {"allow_http": True} if local else {}


def told(error: BaseException) -> str:
    """What a person can use of what the library says: the service's own words, or its first line."""
    text = str(error)
    if found := _XML.search(text):
        return f"{found[1]}: {found[2]}"[:_TOLD]
    return text.split("\n", 1)[0][:_TOLD]
