# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports run one way: action, inventory and lookup, _action, _window, _services, _transports.

Everything may use _sessions, which uses nothing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
FILES = sorted(path.relative_to(PLUGINS) for path in PLUGINS.rglob("*.py"))
COLLECTION = "ansible_collections.remotedesktop.sessions"
UTILS = "plugin_utils"

LAYERS = ("action", "_action", "_window", "_services", "_transports", "_sessions")
"""Each may use those that come after it and, but for action, itself."""
ENTRIES = ("action", "inventory", "lookup")
"""Kinds of plugins that Ansible loads: at the top, and apart from each other."""
DOCUMENTATION = ("modules", "doc_fragments")
INPUT_AND_OUTPUT = frozenset(("io", "os", "pathlib", "queue", "select", "socket", "subprocess", "threading", "time"))
"""What the domain leaves to others. Clocks come from outside."""


def layer(parts: tuple[str, ...]) -> str:
    """Say to which layer a path in plugins belongs; what is beside all of them is named as it is."""
    return next(iter(parts[1:] if parts[0] == UTILS else parts), UTILS)


def imports(file: Path, source: str) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """Find what a file imports, wherever in it: whether that is of the collection, and its path, in plugins or not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield False, tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            module = tuple(filter(None, (node.module or "").split(".")))
            for alias in node.names:
                if not node.level:
                    yield False, (*module, alias.name)
                    continue
                package = file.parent.parts
                if node.level > len(package) + 1:
                    raise ValueError(f"{file} imports from outside the collection")
                yield True, (*package[: len(package) + 1 - node.level], *module, alias.name)


def is_right(own: str, ours: bool, path: tuple[str, ...]) -> bool:
    """Tell whether a file of a layer may import that."""
    if ours and own in ENTRIES:
        return layer(path) in LAYERS[1:]
    if ours:
        return own in LAYERS and layer(path) in LAYERS[LAYERS.index(own) :]
    if own in DOCUMENTATION:
        return path[0] == "__future__"
    if own == "_sessions":
        return path[0] in sys.stdlib_module_names - INPUT_AND_OUTPUT
    if own == "_window":
        return path[0] in sys.stdlib_module_names
    return ".".join(path[:3]) != COLLECTION


def wrong(file: Path, source: str) -> list[str]:
    """Return what a file imports and must not."""
    return [".".join(path) for ours, path in imports(file, source) if not is_right(layer(file.parts), ours, path)]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_run_one_way(file: Path) -> None:
    assert layer(file.parts) in (*LAYERS, *ENTRIES, *DOCUMENTATION)
    assert wrong(file, (PLUGINS / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("plugin_utils/_sessions/x.py", "from .._services import wvd"),
        ("plugin_utils/_sessions/x.py", "from .._transports.cmdlet import Call"),
        ("plugin_utils/_sessions/x.py", "import requests"),
        ("plugin_utils/_sessions/x.py", "from ansible.errors import AnsibleError"),
        ("plugin_utils/_sessions/x.py", "from time import monotonic"),
        ("plugin_utils/_window/x.py", "from .._action.console import Console"),
        ("plugin_utils/_window/x.py", "from ansible.utils.display import Display"),
        ("plugin_utils/_services/x.py", "from .._window.journal import Journal"),
        ("plugin_utils/_transports/x.py", "from .._services.place import Place"),
        ("plugin_utils/_transports/x.py", "from .. import _services"),
        ("plugin_utils/_services/x.py", "def f():\n    from .._action.console import Console"),
        ("plugin_utils/_services/x.py", "if TYPE_CHECKING:\n    from ...action.wvd_session_info import ActionModule"),
        ("plugin_utils/_action/x.py", "from ...action import wvd_session_info"),
        ("plugin_utils/_action/x.py", f"from {COLLECTION}.plugins.plugin_utils._sessions import engine"),
        ("plugin_utils/_action/x.py", f"import {COLLECTION}.plugins.plugin_utils._sessions.engine"),
        ("action/x.py", "from .wvd_session_info import ActionModule"),
        ("action/x.py", "from ..modules import wvd_session_info"),
        ("action/x.py", "from ..inventory import wvd_session_hosts"),
        ("inventory/x.py", "from ..action.wvd_session_info import ActionModule"),
        ("plugin_utils/_action/x.py", "from ...inventory import wvd_session_hosts"),
        ("action/x.py", "from ..plugin_utils import retry"),
        ("modules/x.py", "from ..plugin_utils._sessions import engine"),
        ("doc_fragments/x.py", "import re"),
    ],
)
def test_import_the_other_way_is_seen(file: str, source: str) -> None:
    assert len(wrong(Path(file), source)) == 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("action/x.py", "from ..plugin_utils._action.session_action import SessionAction"),
        ("action/x.py", "from ..plugin_utils._services import rds, wms"),
        ("inventory/x.py", "from ..plugin_utils._action.options import is_empty"),
        ("plugin_utils/_action/x.py", "from .._services.place import Place\nfrom ansible.errors import AnsibleError"),
        ("plugin_utils/_action/x.py", "from .._window.journal import Journal"),
        ("plugin_utils/_window/x.py", "import fcntl, os\nfrom .._sessions.errors import SessionsError"),
        ("plugin_utils/_services/x.py", "from .._transports import arm\nfrom . import place"),
        ("plugin_utils/_transports/x.py", "import requests\nfrom .._sessions.errors import ServiceError"),
        ("plugin_utils/_sessions/x.py", "from .session import Session\nfrom collections.abc import Mapping"),
    ],
)
def test_import_down_the_layers_is_right(file: str, source: str) -> None:
    assert wrong(Path(file), source) == []


@pytest.mark.parametrize("package", sorted((PLUGINS / UTILS).glob("[!_]*")) + sorted((PLUGINS / UTILS).glob("_[!_]*")))
def test_package_is_private_and_says_so(package: Path) -> None:
    assert package.name in LAYERS
    documentation = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert "Private to this collection" in (documentation or "")


def test_lab_shares_no_code_with_the_plugins() -> None:
    for path in sorted((PLUGINS.parent / "tests" / "lab").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith(("ansible_collections", "plugins")) for name in names), path
