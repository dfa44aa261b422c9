"""Plugins: modules and files that register architectures, criteria, metrics and sources.

``load`` imports what ``--plugin`` names, and what installed packages name as entry points of the
group ``tflottery.plugins``. A plugin is code that runs with all the rights of who loads it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from tflottery import activity, startup
from tflottery.errors import TflotteryError, UserError, in_a_line
from tflottery.registry import MAIN, Origin, one_load

GROUP = "tflottery.plugins"
"""The group of entry points by which installed packages name modules of theirs."""
SWITCH = "TFLOTTERY_PLUGINS"
"""The environment variable that leaves installed plugins out where it is ``none``."""
_NONE = "none"
_PREFIX = "tflottery_plugin_"

Plugins = str | Path | Sequence[str | Path]
"""Modules by name, and files by path."""


class _Loaded:
    """What this process has loaded."""

    def __init__(self) -> None:
        # In the order in which they were loaded; a worker loads them in the same.
        self.names: dict[str, None] = {}
        # Paths of files, and digests of their content, by their modules' names.
        self.files: dict[str, str] = {}
        self.contents: dict[str, str] = {}
        self.loading: set[str] = set()
        self.has_installed = False


_LOADED = _Loaded()


def load(names: Plugins = (), *, installed: bool = True, threads: int | None = None) -> None:
    """Loads plugins, each once; a file again where its content has changed.

    Args:
        names: modules by name (``my_package.my_module``), and files by path (``mine.py``).
        installed: whether to load those of installed packages too, unless ``TFLOTTERY_PLUGINS`` is
            ``none``.
        threads: of TensorFlow, where a plugin is the first to import it; None for all cores.

    Raises:
        UserError: there is none of that name, it failed, or it registers what it may not; the line
            names it.
    """
    wanted = listed(names)
    if installed and not _LOADED.has_installed:
        with startup.quietly(threads):
            _load_installed()
        _LOADED.has_installed = True
    for name in wanted:
        with startup.quietly(threads), activity.doing(f"loading the plugin {_shown(name)}"):
            _load_one(name)


def loaded() -> tuple[str, ...]:
    """What a worker has to ``load`` to know what this process knows: names of modules, and
    absolute paths of files."""
    return tuple(_LOADED.names)


def published(name: str) -> str:
    """A plugin as records name it: a file without its folder, which is of this machine alone."""
    return Path(name).name if _is_file(name) else name


def carried(origin: Origin) -> str:
    """What a worker has to load to know a thing that was registered here: the name of a module or
    the path of a file; empty where it was made in a notebook or a script, so that no worker can.
    """
    if origin.module in _LOADED.files:
        return _LOADED.files[origin.module]
    module = sys.modules.get(origin.module)
    if origin.module == MAIN or module is None or getattr(module, "__spec__", None) is None:
        return ""
    return origin.module


def listed(names: Plugins) -> list[str]:
    """Plugins as ``--plugin`` takes them, one after the other.

    Raises:
        UserError: one is no name.
    """
    given = [names] if isinstance(names, (str, Path)) else names
    if not isinstance(given, (list, tuple)) or not all(
        isinstance(one, (str, os.PathLike)) and str(one) and "\0" not in str(one) for one in given
    ):
        raise UserError(
            f"plugin is {names!r}; it takes the name of a module or the path of a file, or a list "
            "of such."
        )
    return [os.fspath(one) for one in given]


def recorded(names: Plugins) -> list[str]:
    """Plugins as the commands that results keep name them: a path of this machine without its
    folders.

    Raises:
        UserError: as ``listed``.
    """
    return [published(name) if Path(name).is_absolute() else name for name in listed(names)]


def is_module(name: str) -> bool:
    """Whether a plugin is a module by name, and no file."""
    return not _is_file(name)


def _is_file(name: str) -> bool:
    return name.endswith(".py") or os.sep in name


def _load_one(name: str) -> None:
    if _is_file(name):
        path = os.path.realpath(os.path.expanduser(name))  # noqa: PTH111 - never fails
        _load_file(path)
        _LOADED.names[path] = None
        return
    _load_module(name)
    _LOADED.names[name] = None


def _load_module(name: str) -> None:
    if not all(part.isidentifier() for part in name.split(".")):
        raise UserError(
            f"There is no plugin {_shown(name)!r}; give the name of a module, or the path of a "
            "file, as mine.py."
        )
    try:
        with _told(f"The plugin {name}", name), one_load(name):
            importlib.import_module(name)
    except ModuleNotFoundError as error:
        beside = Path(*name.split(".")).with_suffix(".py")
        mend = (
            f"give the file: --plugin {beside}."
            if beside.is_file()
            else "install its package, or give the path of a file, as mine.py."
        )
        raise UserError(f"There is no module {error.name!r} for --plugin {name}; {mend}") from None


def _load_file(path: str) -> None:
    shown = _shown(path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"The plugin {shown} cannot be read: {error.strerror}.") from None
    name, now = _module_name(path), hashlib.sha256(content).hexdigest()
    # A script that names itself, and a plugin that starts a search that names it, come by again.
    if name in _LOADED.loading or _LOADED.contents.get(name) == now:
        return
    module = ModuleType(name)
    module.__file__ = path
    before = sys.modules.get(name)
    _LOADED.loading.add(name)
    _LOADED.files[name] = path
    try:
        with _told(f"The plugin {shown}", name):
            # Before it is run: dataclasses and pickle look their module up.
            sys.modules[name] = module
            with one_load(path):
                exec(compile(content, path, "exec", dont_inherit=True), vars(module))
    except BaseException:
        sys.modules.pop(name, None)
        if before is not None:
            sys.modules[name] = before
        raise
    finally:
        _LOADED.loading.discard(name)
    _LOADED.contents[name] = now


def _module_name(path: str) -> str:
    """What the module of a file is called: the same in every process, another one for a file of
    the same name elsewhere."""
    stem = "".join(sign if sign.isalnum() else "_" for sign in Path(path).stem)
    return f"{_PREFIX}{stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def _load_installed() -> None:
    if os.environ.get(SWITCH, "").strip().lower() == _NONE:
        return
    found = importlib.metadata.entry_points(group=GROUP)
    # In one order, wherever and in whatever order they were installed.
    for point in sorted(found, key=lambda one: (one.name, one.value)):
        package = point.dist.name if point.dist else "a package"
        what = f"The plugin {point.value!r} of the installed package {package}"
        mend = (
            f"Mend it, remove it (pip uninstall {package}), or go on without installed plugins: "
            f"{SWITCH}={_NONE}."
        )
        loading = activity.doing(f"loading a plugin of {package}")
        with _told(what, point.module, mend), loading, one_load(point.module):
            point.load()
        _LOADED.names[point.module] = None


@contextmanager
def _told(what: str, module: str, mend: str = "") -> Iterator[None]:
    """Tells in one line what fails while a plugin is imported.

    That the module itself is not there goes through, where there is no ``mend``.

    Args:
        what: the plugin, as the line begins.
        module: what the plugin's module is called.
        mend: how to go on, where the user did not ask for this plugin.
    """
    try:
        yield
    except TflotteryError as error:
        raise UserError(f"{what}: {error}{f' {mend}' if mend else ''}") from error
    except ModuleNotFoundError as error:
        is_itself = bool(error.name) and f"{module}.".startswith(f"{error.name}.")
        if is_itself and not mend:
            raise
        raise UserError(_line(what, _said(error, module), mend)) from error
    except SystemExit as error:
        mend = mend or "A plugin only registers things."
        raise UserError(_line(what, _said(error, module), mend)) from None
    except Exception as error:
        raise UserError(_line(what, _said(error, module), mend)) from error


def _line(what: str, said: str, mend: str) -> str:
    said = f"{what} fails: {said}"
    said = said if said.endswith((".", "!", "?")) else f"{said}."
    return f"{said} {mend}" if mend else said


def _said(error: BaseException, module: str) -> str:
    """The error in a line, with the line of the plugin that it comes from."""
    return in_a_line(error, lambda frame: frame.f_globals.get("__name__") == module)


def _shown(name: str) -> str:
    """A name or a path in one line that no terminal obeys."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in name)
