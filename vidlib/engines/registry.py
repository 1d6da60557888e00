"""Tables of engines: which engines of a kind exist, what each one needs, and how one is opened."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Generic, TypeVar

from vidlib.engines.runtime.model_cache import cached_model
from vidlib.errors import EngineUnavailable, UnknownName
from vidlib.machine import devices
from vidlib.machine.devices import Device

Model = TypeVar("Model")


@dataclass(frozen=True)
class Engine:
    """What one engine consists of and needs.

    ``classes`` maps each device that the engine can use to its class, written ``module:class``. ``packages`` is what
    pip installs for it. ``weights`` names its models in the vault. ``gpu_problem`` returns why this machine's GPU
    cannot run the engine, or None; without it, torch is asked.
    """

    classes: Mapping[Device, str]
    packages: str
    weights: tuple[str, ...] = ()
    gpu_problem: Callable[[], str | None] | None = None


class Registry(Generic[Model]):
    """The engines of one kind, by name. ``kind`` names it in error messages, such as ``shot engine``.

    A registry imports the module of an engine only when it opens the engine.
    """

    def __init__(self, kind: str, engines: Mapping[str, Engine]):
        self.kind = kind
        self._engines = dict(engines)

    def __iter__(self) -> Iterator[str]:
        return iter(self._engines)

    def __getitem__(self, name: str) -> Engine:
        """The entry of the engine ``name``; raises UnknownName, which lists the known names."""
        if name not in self._engines:
            raise UnknownName(f"a known {self.kind}", name, self._engines)
        return self._engines[name]

    def open(self, name: str, device: Device, *options: Any) -> AbstractContextManager[Model]:
        """Open the engine ``name`` on ``device`` for a block, through the model cache.

        The class of the engine receives ``options``, which must be hashable. Raises UnknownName; EngineUnavailable
        where the engine cannot use the device or a package is missing; WeightError where its weights are missing.
        """
        classes = self[name].classes
        if device not in classes:
            expected = " or ".join(map(repr, classes))
            raise EngineUnavailable(f"{self.kind} {name!r} cannot use device {device!r}; expected {expected}")
        key = (classes[device], device, options, devices.cores())
        return cached_model(key, lambda: self._construct(name, device, options))

    def uses_gpu(self, name: str) -> bool:
        """Whether the engine ``name`` can use an NVIDIA GPU."""
        return "cuda" in self[name].classes

    def gpu_problem(self, name: str) -> str | None:
        """Why the engine ``name`` cannot use a GPU of this machine; None if it can."""
        if not self.uses_gpu(name):
            return f"{self.kind} {name!r} does not use a GPU"
        return (self[name].gpu_problem or devices.cuda_problem)()

    def _construct(self, name: str, device: Device, options: tuple[Any, ...]) -> AbstractContextManager[Model]:
        engine = self[name]
        try:
            return resolve_name(engine.classes[device])(*options)
        except ImportError as error:
            remedy = f"Install its packages with: pip install {engine.packages}"
            raise EngineUnavailable(f"{self.kind} {name!r} cannot run here: {error}. {remedy}") from error
