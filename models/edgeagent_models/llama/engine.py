"""A loaded GGUF model that serves several sequences."""

from __future__ import annotations

import importlib.metadata
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edgeagent_models.errors import EngineProblem
from edgeagent_models.fingerprint import fingerprint
from edgeagent_models.handler import Send
from edgeagent_models.llama import state_file, threads
from edgeagent_models.llama.decoder import Decoder, Row
from edgeagent_models.llama.job import Job, Priming
from edgeagent_models.llama.model import LlamaModel, header_of
from edgeagent_models.llama.native import llama
from edgeagent_models.llama.pictures import Pictures
from edgeagent_models.llama.plan import Plan, marks, seam_units
from edgeagent_models.llama.scheduler import Scheduler
from edgeagent_models.llama.sequence import Hints, Sequence
from edgeagent_models.llama.shelf import Shelf
from edgeagent_models.llama.template import ChatTemplate
from edgeagent_models.llama.units import Unit
from edgeagent_models.llama.vision import VisionEncoder
from edgeagent_models.protocol import ChatMessage, Complete, Fetch, Load, Loaded, LoadState, Ok, Park, Parked, Prime, SaveState


class LlamaEngine:
    """One model, its vision encoder if it has one, and its sequences by name."""

    def __init__(self, request: Load) -> None:
        began_s = time.perf_counter()
        # Nobody who writes a message can know it, so no text can pass for a picture.
        self._marker = f"<picture {secrets.token_hex(16)}>"
        self._serving = False
        self._model = LlamaModel(request, self._should_abort)
        if request.threads_file and not request.threads:
            self._tune(request.threads_file)
        with ThreadPoolExecutor(1) as beside:
            # The vision part takes as long as what is done meanwhile, and needs nothing of it.
            loading = beside.submit(VisionEncoder, request, self._model, self._marker) if request.mmproj else None
            self._template = self._compiled_template()
            vision = header_of(request.mmproj) if request.mmproj else None
            made_of = fingerprint(request, self._model.header, vision, _version())
            self._shelf = Shelf(
                request.parked_folder, made_of, self._model.recurrent, request.parked_bytes, request.leaving_folder
            )  # fmt: skip
            self._pictures = Pictures(loading.result()) if loading else None
        self._scheduler = Scheduler(self._model, self._pictures, self._shelf)
        self._serving = True
        self._sequences: dict[str, Sequence] = {}
        self._free = list(range(request.max_sequences - 1, -1, -1))
        self.loaded = Loaded(
            request.id,
            self._model.header.name or Path(request.path).stem,
            self._model.header.architecture,
            made_of,
            self._pictures is not None,
            self._model.context_tokens,
            round((time.perf_counter() - began_s) * 1000, 3),
            self._model.chat_template,
            (self._model.threads.single, self._model.threads.batch),
        )

    def _compiled_template(self) -> ChatTemplate:
        vocabulary = self._model.vocabulary
        control = vocabulary.control_tokens()
        return ChatTemplate(self._model.chat_template, self._marker, vocabulary.bos, vocabulary.eos, control)

    def _should_abort(self) -> bool:
        return self._serving and self._scheduler.should_abort()

    def _tune(self, file: str) -> None:
        """Compute with as many threads as were found fastest here: now, if nobody did before."""
        model, decoder = self._model, Decoder(self._model)

        def took_s(counts: threads.Threads, tokens: int) -> float:
            model.use(counts)
            began_s = time.perf_counter()
            decoder.tokens([Row(0, position, 0, position == tokens - 1) for position in range(tokens)])
            took_s = time.perf_counter() - began_s
            llama.llama_memory_clear(model.memory, True)
            return took_s

        found = threads.remembered(file, model.header)
        if found is None and not threads.busy():
            found = threads.tuned(took_s)
            threads.remember(file, model.header, found)
        if found:
            model.use(found)

    @property
    def sequences(self) -> frozenset[str]:
        """Those that are open."""
        return frozenset(self._sequences)

    def open_sequence(self, name: str) -> None:
        self._sequences[name] = Sequence(self._model, self._free.pop(), name)
        self._shelf.look(name)
        self._scheduler.register(self._sequences[name])

    def close_sequence(self, name: str) -> None:
        sequence = self._sequences.pop(name)
        self._scheduler.unregister(sequence)
        self._free.append(sequence.number)
        self._shelf.forget_in_ram(name)

    def complete(self, request: Complete, send: Send) -> None:
        sequence = self._sequences[request.sequence]
        prompt = self.plan(request.messages, request.templated)
        if not prompt.units:
            raise EngineProblem("usage", "the prompt is empty")
        if not isinstance(prompt.units[-1], int):
            raise EngineProblem("usage", "the prompt ends in a picture: text must follow it")
        self._scheduler.add(Job(request, send, sequence, prompt, self._model.vocabulary))

    def prime(self, request: Prime, send: Send) -> None:
        sequence = self._sequences[request.sequence]
        begun = self.plan(request.messages, templated=False, asks=False)
        if begun.units and isinstance(begun.units[-1], int):
            self._scheduler.add(Priming(request, send, sequence, begun, self._model.vocabulary))
        else:
            send(Ok(request.id))

    def work(self) -> bool:
        return self._scheduler.work()

    def save_state(self, request: SaveState) -> None:
        state_file.save(request.path, self._idle(request.sequence).export(), self.loaded.fingerprint)

    def load_state(self, request: LoadState) -> None:
        sequence, held = self._idle(request.sequence), state_file.load(request.path, self.loaded.fingerprint)
        self._scheduler.room.take_over(sequence, held)

    def park(self, request: Park) -> Parked:
        self._scheduler.finish_aborted()  # a run that ends in mid-question aborts it, and leaves
        self._scheduler.give_up_guesses(self._sequences[request.sequence])
        sequence = self._idle(request.sequence)
        hints = Hints(request.priority, time.time() + request.ttl_s)
        if sequence.units and not request.to_disk:
            sequence.waits = hints
            return Parked(request.id, "live", 0)
        entry = self._scheduler.room.put_away(sequence, hints, request.to_disk)
        return Parked(request.id, entry.where, entry.size_bytes) if entry else Parked(request.id, "", 0)

    def fetch(self, request: Fetch) -> None:
        sequence = self._idle(request.sequence)
        self._shelf.look_again(request.sequence)
        self._scheduler.room.fetch(sequence)

    def abort(self, target: int) -> None:
        self._scheduler.abort(target)

    def close(self) -> None:
        if self._pictures:
            self._pictures.close()
        self._model.close()

    def plan(self, messages: tuple[ChatMessage, ...], templated: bool, asks: bool = True) -> Plan:
        """The prompt for ``messages``: text tokens and pictures, and where its checkpoints shall be. It ``asks`` for a reply, or
        another message is to follow."""
        rendered = self._template.render(messages, templated, asks)
        pictures = self._pictures
        if rendered.images and pictures is None:
            raise EngineProblem("usage", "the prompt has pictures, but the model was loaded without an mmproj file")
        units: list[Unit] = []
        seams: list[int] = []
        system = 0
        at = 0
        for index, text in enumerate(rendered.text.split(self._marker)):
            if index:
                assert pictures is not None
                units.extend(pictures.plan(rendered.images[index - 1]))
            tokens = self._tokens(text, first=not index)
            within = [len(text[: seam - at].encode()) for seam in rendered.seams if at < seam <= at + len(text)]
            seams.extend(len(units) + place for place in seam_units(tokens, self._model.vocabulary.length, within))
            if not index and rendered.system:
                (system,) = seam_units(tokens, self._model.vocabulary.length, [len(text[: rendered.system].encode())])
            units.extend(tokens)
            at += len(text) + len(self._marker)
        return Plan(units, marks(units, seams) if self._model.recurrent else frozenset(), system)

    def _tokens(self, text: str, first: bool) -> list[int]:
        vocabulary = self._model.vocabulary
        if first and vocabulary.prepends_bos and not text.startswith(vocabulary.bos):
            text = vocabulary.bos + text
        return vocabulary.tokens(text)

    def _idle(self, name: str) -> Sequence:
        sequence = self._sequences[name]
        if self._scheduler.busy(sequence):
            raise EngineProblem("usage", f"sequence {name!r} is being answered: wait or abort first")
        return sequence


def _version() -> str:
    return importlib.metadata.version("llama-cpp-python")
