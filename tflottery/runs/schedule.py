"""Which run is next: parents first, long chains before short ones, and no run twice."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Hashable, Sequence

from tflottery.runs.networks import network
from tflottery.runs.specs import RunSpec

# After this many lost workers, blame the run.
_ATTEMPTS = 3


class Schedule:
    """Hands out runs whose parents are finished.

    The run with the longest chain of descendants, counted in epochs, comes first: iterative pruning
    goes round by round, so the longest chain decides when the plan ends (critical-path scheduling:
    Graham 1969, Kohler 1975). Among equals, a worker gets a run whose network it has compiled.

    Args:
        runs: the runs to train, each once, parents before children. A parent that is not listed
            counts as finished.
    """

    def __init__(self, runs: Sequence[RunSpec]) -> None:
        self._specs = {spec.key: spec for spec in runs}
        self._places = {key: place for place, key in enumerate(self._specs)}
        # Networks are numbered, because they are slow to hash.
        self._numbers: dict[Hashable, int] = {}
        self._networks = {
            key: self._numbers.setdefault(network(spec), len(self._numbers))
            for key, spec in self._specs.items()
        }
        self._children: dict[str, list[str]] = {key: [] for key in self._specs}
        self._waits_for = dict.fromkeys(self._specs, 0)
        for key, spec in self._specs.items():
            for parent in {parent.key for parent, _ in spec.needs()} & self._specs.keys():
                self._children[parent].append(key)
                self._waits_for[key] += 1
        self._length: dict[str, float] = {}
        for key in reversed(self._specs):
            below = max((self._length[child] for child in self._children[key]), default=0.0)
            self._length[key] = self._specs[key].recipe.training.epochs + below
        self._open = set(self._specs)
        self._lost: Counter[str] = Counter()
        # A heap for each network, so that a worker finds a run of its network without a search.
        self._ready: dict[int, list[tuple[float, int, str]]] = {}
        for key in self._specs:
            self._offer(key)

    @property
    def open(self) -> int:
        """How many runs are neither finished nor failed."""
        return len(self._open)

    def take(self, compiled: Collection[Hashable] = ()) -> RunSpec | None:
        """The run to begin now; None if no run can begin.

        Args:
            compiled: the networks (``networks.network``) that the worker has compiled.
        """
        at_hand = {self._numbers.get(one) for one in compiled}
        heads = [
            (-heap[0][0], number in at_hand, -heap[0][1], number)
            for number, heap in self._ready.items()
        ]
        if not heads:
            return None
        number = max(heads)[-1]
        key = heapq.heappop(self._ready[number])[-1]
        if not self._ready[number]:
            del self._ready[number]
        return self._specs[key]

    def done(self, spec: RunSpec) -> None:
        """The run is finished; its children may begin."""
        self._open.discard(spec.key)
        for child in self._children[spec.key]:
            self._waits_for[child] -= 1
            self._offer(child)

    def fail(self, spec: RunSpec) -> None:
        """The run failed, and with it all its descendants."""
        if spec.key in self._open:
            self._open.discard(spec.key)
            for child in self._children[spec.key]:
                self.fail(self._specs[child])

    def lose(self, spec: RunSpec) -> bool:
        """The run's worker was lost; returns whether the run will be tried again."""
        self._lost[spec.key] += 1
        again = self._lost[spec.key] < _ATTEMPTS
        if again:
            self._offer(spec.key)
        else:
            self.fail(spec)
        return again

    def _offer(self, key: str) -> None:
        if self._waits_for[key] == 0 and key in self._open:
            entry = (-self._length[key], self._places[key], key)
            heapq.heappush(self._ready.setdefault(self._networks[key], []), entry)
