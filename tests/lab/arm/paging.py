# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a list: page size, what to skip, order, $filter and the opaque token of the next page."""

from __future__ import annotations

import base64
import binascii
import bisect
import json
import re
import typing
import urllib.parse

from ..farm import Session
from ..options import Options
from .errors import error
from .wire import Call

Item = typing.TypeVar("Item")
_TERM = re.compile(r"\s*(\w+)\s+eq\s+'((?:[^']|'')*)'\s*(?:and\b|$)", re.IGNORECASE)


def size(call: Call, most: int) -> int:
    """Rows on a page: what the caller wants (`pageSize`), at most the service's own size."""
    wanted = _number(call, "pagesize", most)
    return min(wanted, most) if wanted > 0 else most


def cut(
    call: Call, items: list[Item], place_of: typing.Callable[[Item], int], options: Options
) -> tuple[list[Item], str | None]:
    """One page of items (ordered by place), and the link to the next.

    By the option, the token names the place of the last row that was shown, so that rows which come or go between two
    pages neither hide nor double others; or how many rows were shown, so that they do.
    """
    descending = call.query.get("isdescending", "").lower() == "true"
    if descending:
        items = items[::-1]
    token = call.query.get("$skiptoken", "")
    if token:
        name, number = _read_token(token)
        sign = -1 if descending else 1
        start = (
            number
            if name == "count"
            else bisect.bisect_right(items, sign * number, key=lambda item: sign * place_of(item))
        )
    else:
        start = _number(call, "initialskip", 0)
    page = items[start : start + size(call, options.page_size)]
    end = start + len(page)
    if end >= len(items) or not page:
        return page, None
    query = {name: value for name, value in call.query.items() if name not in ("$skiptoken", "initialskip")}
    names = {"pagesize": "pageSize", "isdescending": "isDescending"}
    pairs = [(names.get(name, name), value) for name, value in query.items()]
    token = _write_token(options.skip_token, end if options.skip_token == "count" else place_of(page[-1]))
    return page, f"{call.base}{call.path}?{urllib.parse.urlencode([*pairs, ('$skiptoken', token)], safe='$')}"


def select(call: Call, sessions: list[Session]) -> list[Session]:
    """Those that $filter leaves. Raises RefusedError (400) on one that is not understood."""
    text = call.query.get("$filter", "").strip()
    if not text:
        return sessions
    at = 0
    for term in _TERM.finditer(text):
        field, value = term.group(1).lower(), term.group(2).replace("''", "'").lower()
        if term.start() != at or field not in ("userprincipalname", "sessionstate"):
            break
        if field == "userprincipalname":
            sessions = [session for session in sessions if session.user.lower() == value]
        else:
            sessions = [session for session in sessions if session.state.lower() == value]
        at = term.end()
    if at != len(text):
        raise error(400, "400", f"Invalid filter: {text}")
    return sessions


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise error(400, "400", f"The value '{text}' is not valid for {name}.")
    return int(text)


def _write_token(name: str, number: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([name, number]).encode()).decode()


def _read_token(token: str) -> tuple[str, int]:
    try:
        name, number = json.loads(base64.urlsafe_b64decode(token))
        return str(name), int(number)
    except (binascii.Error, ValueError, TypeError) as cause:
        raise error(400, "400", "The skip token is not valid.") from cause
