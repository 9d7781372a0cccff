"""The values of secrets, from the keyring or the environment; they live in this process's memory alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from edgeagent.children import SECRET_PREFIX
from edgeagent.errors import EnvironmentProblem
from edgeagent_harness.policy.gate_types import Secret

MIN_CHARS = 4
"""A shorter value could not be told from ordinary text."""

Lookup = Callable[[Secret], str | None]


@dataclass(slots=True)
class Vault:
    """The values of the secrets that a policy lists."""

    secrets: tuple[Secret, ...] = ()
    values: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """Name -> value."""
    typed: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """Reference -> text that the model typed itself and that is not written down, as it is part of a secret."""

    @classmethod
    def open(cls, secrets: Iterable[Secret], lookup: Lookup | None = None) -> Vault:
        """Look up all ``secrets`` at once, so that each can be recognised. Raises `EnvironmentProblem` if one is not there."""
        listed = tuple(secrets)
        return cls(listed, {secret.name: _checked(secret, (lookup or _look_up)(secret)) for secret in listed})

    def resolve(self, reference: str) -> str:
        """The text that ``reference`` stands for."""
        return self.typed[reference] if reference in self.typed else self.values[reference]

    def holds(self, reference: str) -> bool:
        """Whether ``reference`` stands for anything: a model can make up one."""
        return reference in self.typed or reference in self.values

    def refer(self, text: str) -> str:
        """A reference for ``text`` that the model typed; gone with this process."""
        reference = f"typed:{len(self.typed) + 1}"
        self.typed[reference] = text
        return reference


def variable_of(name: str) -> str:
    """The environment variable of the secret ``name``: ``site.admin-2`` is ``EDGEAGENT_SECRET_SITE_ADMIN_2``."""
    return SECRET_PREFIX + "".join(char if char.isalnum() else "_" for char in name.upper())


def _look_up(secret: Secret) -> str | None:
    if secret.source == "environment":
        return os.environ.get(variable_of(secret.name))
    import keyring  # Here: it looks for backends when imported, which takes time.
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(secret.service, secret.account)
    except KeyringError as error:
        hint = "unlock it, or take source: environment"
        raise EnvironmentProblem(f"the keyring cannot be read for the secret {secret.name!r}: {error}", hint) from error


def _checked(secret: Secret, value: str | None) -> str:
    if value is None:
        if secret.source == "environment":
            hint = f"set {variable_of(secret.name)}"
        else:
            hint = f"`keyring set {secret.service} {secret.account}` stores it"
        raise EnvironmentProblem(f"the secret {secret.name!r} that the policy lists is not there", hint)
    if len(value) < MIN_CHARS:
        raise EnvironmentProblem(
            f"the secret {secret.name!r} is shorter than {MIN_CHARS} characters: it could not be told from ordinary text",
            "use a longer one",
        )
    return value
