# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Message encryption of WinRM over plain HTTP (MS-WSMV 2.2.9.1): the body goes wrapped by the security context."""

from __future__ import annotations

import re
import struct

import spnego

_PART = re.compile(rb"--\s*Encrypted Boundary\r\n")
_LAST = re.compile(rb"--\s*Encrypted Boundary--\r\n\Z")
_BINARY = b"\tContent-Type: application/octet-stream\r\n"
_LARGEST_CREDSSP_PART = 16_384


class EncryptionError(ValueError):
    """The body is not what the context expects."""


def is_encrypted(content_type: str) -> bool:
    return content_type.startswith(("multipart/encrypted", "multipart/x-multi-encrypted"))


def decrypt(context: spnego.ContextProxy, body: bytes) -> bytes:
    """Raises EncryptionError."""
    parts = [part for part in _PART.split(_LAST.sub(b"", body)) if part]
    plain = []
    try:
        for wrapped in parts[1::2]:
            data = wrapped.replace(_BINARY, b"", 1)
            (length,) = struct.unpack("<i", data[:4])
            plain.append(context.unwrap_winrm(data[4 : 4 + length], data[4 + length :]))
    except (spnego.exceptions.SpnegoError, struct.error, ValueError) as error:
        raise EncryptionError(str(error)) from error
    return b"".join(plain)


def encrypt(context: spnego.ContextProxy, scheme: str, body: bytes) -> tuple[str, bytes]:
    """Content type and body."""
    credssp = scheme.lower() == "credssp"
    protocol = f"application/HTTP-{'CredSSP' if credssp else 'SPNEGO'}-session-encrypted"
    size = _LARGEST_CREDSSP_PART if credssp else len(body)
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    parts = []
    for chunk in chunks:
        wrapped = context.wrap_winrm(chunk)
        length = len(chunk) + wrapped.padding_length
        parts.append(
            f"--Encrypted Boundary\r\n\tContent-Type: {protocol}\r\n"
            f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={length}\r\n"
            "--Encrypted Boundary\r\n".encode()
            + _BINARY
            + struct.pack("<i", len(wrapped.header))
            + wrapped.header
            + wrapped.data
        )
    kind = "multipart/x-multi-encrypted" if len(chunks) > 1 else "multipart/encrypted"
    content_type = f'{kind};protocol="{protocol}";boundary="Encrypted Boundary"'
    return content_type, b"".join([*parts, b"--Encrypted Boundary--\r\n"])
