# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Graph, as far as it is asked for session hosts: one kind of query, in pages."""

from __future__ import annotations

import json
import re
import typing

from .errors import error

Item = typing.TypeVar("Item")
MOST_ROWS = 1000
_QUERY = re.compile(
    r"\s*desktopvirtualizationresources\s*"
    r"\|\s*where\s+type\s*=~\s*'microsoft\.desktopvirtualization/hostpools/sessionhosts'\s*"
    r"\|\s*project\s+(?P<fields>\w+(?:\s*,\s*\w+)*)\s*"
    r"(?:\|\s*order\s+by\s+id\s+asc\s*)?",
    re.IGNORECASE,
)
_FIELDS = frozenset(("id", "name", "properties", "type"))


def subscriptions(asked: typing.Mapping[str, typing.Any]) -> set[str]:
    """The subscriptions that a query is about, in lower case."""
    named = asked.get("subscriptions")
    if not isinstance(named, list):
        raise error(400, "BadRequest", "Please provide below info when asking for support: subscriptions is missing.")
    return {str(one).lower() for one in named}


def answer(
    asked: typing.Mapping[str, typing.Any], hosts: list[Item], row: typing.Callable[[Item], str], page_size: int
) -> bytes:
    """A page of the hosts, which come in order. As in Azure, only a query that shows ids can be gone on with."""
    query = _QUERY.fullmatch(str(asked.get("query", "")))
    options = asked.get("options") or {}
    if query is None or options.get("resultFormat") != "objectArray":
        raise error(400, "BadRequest", "Query is invalid. Please refer to the documentation for the Resource Graph.")
    fields = [name.strip().lower() for name in query["fields"].split(",")]
    if not _FIELDS.issuperset(fields):
        raise error(400, "BadRequest", f"Query is invalid: no column {', '.join({*fields} - _FIELDS)}.")
    start = int(options.get("$skipToken") or 0)
    end = start + min(int(options.get("$top") or 100), MOST_ROWS, page_size)
    goes_on = end < len(hosts) and "id" in fields
    objects = [json.loads(row(host)) for host in hosts[start:end]]
    page = [{name: one[name] for name in fields} for one in objects]
    body = {
        "totalRecords": len(hosts),
        "count": len(page),
        "data": page,
        "facets": [],
        "resultTruncated": "true" if end < len(hosts) and not goes_on else "false",
        **({"$skipToken": str(end)} if goes_on else {}),
    }
    return json.dumps(body, separators=(",", ":")).encode()
