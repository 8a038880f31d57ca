# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CLIXML object in a form in which two of the same kind are equal.

Told apart are every tag and property name in its order, every type name and every text. RefIds are resolved, and the
parts of a message, which have no order, are sorted.
"""

from __future__ import annotations

import typing
from xml.etree import ElementTree

Tree = str | tuple[typing.Any, ...]


def comparable(element: ElementTree.Element) -> Tree:
    return _Comparison().convert(element)


class _Comparison:
    def __init__(self) -> None:
        self._types: dict[str, tuple[str, ...]] = {}

    def convert(self, element: ElementTree.Element) -> Tree:
        name = element.get("N", "")
        if element.tag == "Obj":
            return (name, "Obj", *self._object(element))
        return (name, element.tag, element.text or "")

    def _object(self, element: ElementTree.Element) -> typing.Iterator[Tree]:
        is_message = element[0].tag == "MS"
        for child in element:
            if child.tag == "TN":
                self._types[child.get("RefId", "")] = tuple(each.text or "" for each in child)
                yield self._types[child.get("RefId", "")]
            elif child.tag == "TNRef":
                yield self._types[child.get("RefId", "")]
            elif is_message:
                yield ("MS", *sorted((self.convert(each) for each in child), key=repr))
            elif child.tag in ("Props", "MS", "LST"):
                yield (child.tag, *(self.convert(each) for each in child))
            else:
                yield self.convert(child)
