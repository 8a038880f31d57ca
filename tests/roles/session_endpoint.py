# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the role session_endpoint, rendered with its own templates, defaults and variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

try:
    from ansible.template import trust_as_template
except ImportError:

    def trust_as_template(value: str) -> str:
        """Leave it: before ansible-core 2.19 every text could be a template."""
        return value


ROLE = Path(__file__).parents[2] / "roles" / "session_endpoint"
TABLE: list[dict[str, Any]] = yaml.safe_load((ROLE / "vars/main.yml").read_text())["session_endpoint_cmdlets"]
ROLE_FILE, CONFIGURATION_FILE = "role_capability.psrc", "session_configuration.pssc"
NAME: str = yaml.safe_load((ROLE / "defaults/main.yml").read_text())["session_endpoint_name"]
GROUP = "CONTOSO\\Help Desk"
EVERYTHING = {cmdlet["name"]: [*cmdlet["parameters"], "Verbose"] for cmdlet in TABLE}


def render(template: str, commands: Mapping[str, Iterable[str]] = EVERYTHING, **options: Any) -> str:
    """Render a template as win_template does, but for its line ends.

    `commands` are what the role finds on the host: parameters by command. `options` are those of the role, without
    its prefix.
    """
    variables = {
        **yaml.safe_load((ROLE / "defaults/main.yml").read_text()),
        **trusted(yaml.safe_load((ROLE / "vars/main.yml").read_text())),
        "session_endpoint_inspection": {"result": {"modules": "C:\\Modules", "commands": dict(commands)}},
        "session_endpoint_groups": [GROUP],
        **{f"session_endpoint_{name}": value for name, value in options.items()},
    }
    templates = ROLE / "templates"
    templar = Templar(loader=DataLoader(), variables=variables).copy_with_new_env(searchpath=[str(templates)])
    text = trust_as_template((templates / f"{template}.j2").read_text())
    return str(templar.template(text, escape_backslashes=False, overrides={"trim_blocks": True}))


def trusted(value: Any) -> Any:
    """Let templates be templates, as in a file of the role; options are not, whatever they look like."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value
