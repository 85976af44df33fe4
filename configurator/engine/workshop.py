"""Where a process gets its backends: from the shelf at once, or by SAT while a child process compiles.

One thread does what takes long, one thing after the other: loading the kernels, waiting for a compiler, mapping files.
"""

from __future__ import annotations

import logging
import queue
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from configurator.engine import jit
from configurator.engine.artefact import Artefact, Blueprint
from configurator.engine.choosing import (
    DEFAULT_ALLOWANCE,
    Allowance,
    EngineChoice,
    Why,
    compiler_names,
    has_kernels,
    served_by_sat,
)
from configurator.engine.making import make_in_child
from configurator.engine.shelf import Shelf
from configurator.engine.swapping import SwappingBackend
from configurator.engine.warming import bind, warm

if TYPE_CHECKING:
    from configurator.engine.circuit_backend import CircuitBackend

log: Final = logging.getLogger(__name__)
Task: TypeAlias = Callable[[], object]
Maker: TypeAlias = Callable[[Blueprint, Shelf, Allowance], None]


class Workshop:
    """Gives backends out and makes what they need; threads share it.

    With `walks=False` it only has artefacts made for others (a worker does), and serves itself by SAT.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        allowance: Allowance = DEFAULT_ALLOWANCE,
        walks: bool = True,
        make: Maker = make_in_child,
    ) -> None:
        self._shelf = shelf
        self._allowance = allowance
        self._walks = walks
        self._make = make
        self._ready = False
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def walks(self) -> bool:
        """Say whether this process answers from circuits itself."""
        return self._walks

    @property
    def is_ready(self) -> bool:
        """Say whether circuits are walked in this process already."""
        return self._ready

    def backend(self, blueprint: Blueprint) -> SwappingBackend:
        """Return a backend that answers at once; where it is SAT, the circuit follows if there can be one."""
        if self._allowance.seconds <= 0:
            return SwappingBackend(blueprint.formula, served_by_sat(Why.SWITCHED_OFF, self._allowance))
        if not has_kernels():
            return SwappingBackend(blueprint.formula, served_by_sat(Why.NO_KERNELS, self._allowance))
        if self._ready and (known := self._known(blueprint)) is not None:
            return SwappingBackend(blueprint.formula, known.choice, self._circuit(known))
        backend = SwappingBackend(blueprint.formula, served_by_sat(Why.NOT_READY, self._allowance))
        waiting = weakref.ref(backend)
        self.soon(lambda: self._settle(blueprint, waiting))
        return backend

    def soon(self, task: Task) -> None:
        """Do something on the workshop's thread, after what it has to do already; what fails is logged."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="workshop", daemon=True)
                self._thread.start()
        self._tasks.put(task)

    def get_ready(self) -> bool:
        """Load the kernels into this process, compiled ahead by a child where that was never done; False without."""
        if self._walks and not self._ready and self._allowance.seconds > 0 and warm(self._shelf):
            bind(self._shelf)
            self._ready = jit.warm()
        return self._ready

    def made(self, blueprint: Blueprint) -> Artefact | None:
        """Return a verified artefact, made now where there is none; None where making it broke down.

        Of several processes one makes it and the others wait for that.
        """
        known = self._known(blueprint)
        if known is not None:
            return known
        warm(self._shelf)  # or each child would compile the kernels of our compiler for itself
        with self._shelf.making(blueprint.key.hex()):
            known = self._known(blueprint)
            if known is None:
                self._make(blueprint, self._shelf, self._allowance)
                known = self._shelf.find(blueprint.key)
        return known

    def _known(self, blueprint: Blueprint) -> Artefact | None:
        found = self._shelf.find(blueprint.key)
        return found if found is not None and found.choice.settles(self._allowance, compiler_names()) else None

    def _circuit(self, artefact: Artefact) -> CircuitBackend | None:
        from configurator.engine.circuit_backend import CircuitBackend

        return None if artefact.circuit is None else CircuitBackend(artefact.circuit)

    def _settle(self, blueprint: Blueprint, waiting: weakref.ref[SwappingBackend]) -> None:
        """Make what a backend waits for, if somebody still has it, and let it serve from that."""
        if waiting() is None:
            return
        choice, circuit = self._outcome(blueprint)
        backend = waiting()
        if backend is not None:
            backend.settle(choice, circuit)
            log.info("rules %s: %s serves, %s", blueprint.key.hex()[:12], choice.backend.value, choice.why.value)

    def _outcome(self, blueprint: Blueprint) -> tuple[EngineChoice, CircuitBackend | None]:
        try:
            artefact = self.made(blueprint)
            if artefact is None:
                return served_by_sat(Why.BROKE_DOWN, self._allowance), None
            if artefact.circuit is None or not self._walks:
                return artefact.choice, None
            if not self.get_ready():
                return served_by_sat(Why.NO_KERNELS, self._allowance), None
            return artefact.choice, self._circuit(artefact)
        except Exception:
            log.exception("a circuit could not be made; SAT goes on serving")
            return served_by_sat(Why.BROKE_DOWN, self._allowance), None

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            try:
                task()
            except Exception:
                log.exception("the workshop could not do something")
