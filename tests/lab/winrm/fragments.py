# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PSRP messages of a server as fragments (MS-PSRP 2.2.1 and 2.2.4)."""

from __future__ import annotations

import itertools
import re
import struct
import typing
import uuid

from .clixml import Value, write

MessageName = typing.Literal["PIPELINE_OUTPUT", "ERROR_RECORD", "PIPELINE_STATE", "WARNING_RECORD"]
_TYPES: dict[MessageName, int] = {
    "PIPELINE_OUTPUT": 0x00041004,
    "ERROR_RECORD": 0x00041005,
    "PIPELINE_STATE": 0x00041006,
    "WARNING_RECORD": 0x00041009,
}
_LARGEST = 32_768
_TO_CLIENT = 1
_START, _END = 1, 2
_HEADER = struct.Struct(">QQBI")
_FINAL_STATE = re.compile(rb'N="PipelineState">[345]<')
"""Stopped, completed, failed (MS-PSRP 2.2.3.5)."""


class Fragmenter:
    """For one runspace pool: every message has an object id of its own."""

    def __init__(self) -> None:
        # psrpcore counts its own messages of the same pool from 1.
        self._object_ids = itertools.count(2**32)

    def cut(self, pool: uuid.UUID, pipeline: uuid.UUID, name: MessageName, value: Value) -> list[bytes]:
        """The message as one or more fragments."""
        header = struct.pack("<iI", _TO_CLIENT, _TYPES[name]) + pool.bytes_le + pipeline.bytes_le
        message = header + write(value)
        object_id = next(self._object_ids)
        fragments = []
        for number, start in enumerate(range(0, len(message), _LARGEST)):
            part = message[start : start + _LARGEST]
            flags = _START * (number == 0) | _END * (start + _LARGEST >= len(message))
            fragments.append(_HEADER.pack(object_id, number, flags, len(part)) + part)
        return fragments


class StateWatcher:
    """Sees the end of a pipeline in the fragments that a server sends for it."""

    def __init__(self) -> None:
        self._pending = b""
        self._messages: dict[int, bytes] = {}

    def sees_end(self, fragments: bytes) -> bool:
        """Whether the pipeline's final state is in there, or was completed by this."""
        self._pending += fragments
        ended = False
        while len(self._pending) >= _HEADER.size:
            object_id, _number, flags, length = _HEADER.unpack_from(self._pending)
            if len(self._pending) < _HEADER.size + length:
                break
            part = self._pending[_HEADER.size : _HEADER.size + length]
            self._pending = self._pending[_HEADER.size + length :]
            if flags & _START and struct.unpack_from("<I", part, 4)[0] == _TYPES["PIPELINE_STATE"]:
                self._messages[object_id] = b""
            if object_id in self._messages:
                self._messages[object_id] += part
                if flags & _END:
                    ended |= bool(_FINAL_STATE.search(self._messages.pop(object_id)))
        return ended
