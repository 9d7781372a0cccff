"""What a run costs at the moment, as one line: first token, tokens per second, cached share, memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgeagent import events
from edgeagent.words import milliseconds

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Metrics:
    """Of the last decision."""

    first_token_ms: float = 0.0
    tokens_per_s: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    image_tokens: int = 0
    output_tokens: int = 0

    def advance(self, fact: events.EventData) -> None:
        """Take ``fact`` in."""
        if not isinstance(fact, events.Replied):
            return
        usage, timings = fact.usage, fact.timings_ms
        decode_ms = timings.get("decode_ms", 0.0)
        self.first_token_ms = timings.get("ttft_ms", 0.0)
        self.tokens_per_s = (usage.output_tokens - 1) * 1000 / decode_ms if decode_ms and usage.output_tokens > 1 else 0.0
        self.prompt_tokens, self.cached_tokens = usage.prompt_tokens, usage.cached_tokens
        self.image_tokens, self.output_tokens = usage.image_tokens, usage.output_tokens

    def words(self) -> list[str]:
        """For the status line; a model without tokens says nothing."""
        parts: list[str] = []
        if self.first_token_ms:
            parts.append(f"first token {milliseconds(self.first_token_ms)}")
        if self.tokens_per_s:
            parts.append(f"{self.tokens_per_s:.1f} tok/s")
        if self.prompt_tokens:
            parts.append(f"cached {self.cached_tokens * 100 // self.prompt_tokens} %")
        return parts

    def tokens_line(self) -> str:
        """``1,204 tokens in (86 % cached, 812 of pictures), 45 out, first after 640 ms``."""
        if not self.prompt_tokens:
            return ""
        images = f", {self.image_tokens:,} of pictures" if self.image_tokens else ""
        share = self.cached_tokens * 100 // self.prompt_tokens
        first = f", first after {milliseconds(self.first_token_ms)}" if self.first_token_ms else ""
        return f"{self.prompt_tokens:,} tokens in ({share} % cached{images}), {self.output_tokens:,} out{first}"


def memory_bytes(root_pid: int) -> int:
    """Memory that the process and all that it started hold now, shared pages counted for each. Linux; 0 elsewhere."""
    total, waiting = 0, [root_pid]
    while waiting:
        pid = waiting.pop()
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
            for task in os.listdir(f"/proc/{pid}/task"):
                waiting += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii").split())
        except (OSError, IndexError, ValueError):
            continue
    return total
