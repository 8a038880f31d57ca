# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request and its answer, without the HTTP server they come over."""

from __future__ import annotations

import dataclasses
import json
import typing
import uuid


@dataclasses.dataclass
class Call:
    """A request. `path` as sent; `query` and `headers` with names in lower case."""

    method: str
    path: str
    host_name: str  # the Host header, with port
    query: dict[str, str] = dataclasses.field(default_factory=dict)
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""
    request_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    principal: str = ""  # its name, once it is known

    @property
    def base(self) -> str:
        """The address the client used, without trailing slash."""
        return f"https://{self.host_name}"


@dataclasses.dataclass
class Answer:
    """What goes back. The door adds the headers that all answers have."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"


def json_answer(content: typing.Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(content, separators=(",", ":")).encode(), headers or {})


def html_answer(text: str, status: int = 200) -> Answer:
    return Answer(status, f"<!DOCTYPE html>\n<html><body>{text}</body></html>\n".encode(), {}, "text/html")
