# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PSRP messages from the server, cut into fragments (MS-PSRP 2.2.1 and 2.2.4)."""

from __future__ import annotations

import itertools
import struct
import typing
import uuid

from .clixml import Value, write

MessageName = typing.Literal[
    "PIPELINE_OUTPUT", "ERROR_RECORD", "PIPELINE_STATE", "DEBUG_RECORD", "VERBOSE_RECORD", "WARNING_RECORD"
]
_TYPES: dict[MessageName, int] = {
    "PIPELINE_OUTPUT": 0x00041004,
    "ERROR_RECORD": 0x00041005,
    "PIPELINE_STATE": 0x00041006,
    "DEBUG_RECORD": 0x00041007,
    "VERBOSE_RECORD": 0x00041008,
    "WARNING_RECORD": 0x00041009,
}
_LARGEST = 32_768
_TO_CLIENT = 1
_START, _END = 1, 2


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
            fragments.append(struct.pack(">QQBI", object_id, number, flags, len(part)) + part)
        return fragments
