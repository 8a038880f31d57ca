# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the PowerShell data files that a role writes: hashtables, arrays, constant strings and $true, nothing else."""

from __future__ import annotations

import re
from typing import Any

QUOTES = "'\u2018\u2019\u201a\u201b"
"""PowerShell takes each of these for a single quote; doubled it stands for itself."""

STRING = re.compile(f"[{QUOTES}]((?:[^{QUOTES}]|[{QUOTES}][{QUOTES}])*)[{QUOTES}]")
_TOKEN = re.compile(rf"(?:[ \t\r]|#.*)*(?P<token>@\{{|@\(|[}})=,]|[;\n]+|\$true\b|\w+|{STRING.pattern}|\Z)")


def read(text: str) -> Any:
    """Return the value. Raises ValueError."""
    reader = _Reader(text.removeprefix("\ufeff"))
    reader.skip_lines()
    value = reader.value()
    reader.skip_lines()
    reader.expect("")
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._token = ""
        self._next()

    def value(self) -> Any:
        """One value, or several with commas between them, which are a list."""
        values = [self._single()]
        while self._token == ",":
            self._next()
            self.skip_lines()
            values.append(self._single())
        return values if len(values) > 1 else values[0]

    def skip_lines(self) -> None:
        while self._token[:1] in (";", "\n") and self._token:
            self._next()

    def expect(self, token: str) -> None:
        if self._token != token:
            raise ValueError(f"{token or 'the end'} is expected at {self._text[self._place - len(self._token) :][:40]}")
        self._next()

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            raise ValueError(f"no constant: {self._text[self._place :][:40]}")
        self._place, self._token = match.end(), match["token"]

    def _single(self) -> Any:
        token = self._token
        self._next()
        if token == "@{":
            return self._hashtable()
        if token == "@(":
            return self._array()
        if token == "$true":
            return True
        if token[:1] in QUOTES and token:
            return _content(token)
        raise ValueError(f"no value: {token}")

    def _hashtable(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.skip_lines()
        while self._token != "}":
            key = _content(self._token) if self._token[:1] in QUOTES else self._token
            self._next()
            self.expect("=")
            if key.lower() in map(str.lower, found):
                raise ValueError(f"PowerShell takes no key twice: {key}")
            found[key] = self.value()
            if self._token != "}" and self._token[:1] not in (";", "\n"):
                raise ValueError(f"no end of the entry {key}")
            self.skip_lines()
        self._next()
        return found

    def _array(self) -> list[Any]:
        self.skip_lines()
        found = [] if self._token == ")" else self.value()
        self.skip_lines()
        self.expect(")")
        return found if isinstance(found, list) else [found]


def _content(string: str) -> str:
    return re.sub(f"[{QUOTES}]([{QUOTES}])", r"\1", string[1:-1])
