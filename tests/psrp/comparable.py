# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIXML in a form in which two answers of the same kind are equal.

What is told apart: the order of messages, every tag and property name in its order, every type name, and every text
but these, of which only the presence counts:

* RefIds, which are resolved; the random suffix of the function behind a proxy
* stack traces below PowerShell, and files and lines of a module's script
* the text of a function
* what the session host's platform is called
* the order of keys in a dictionary, which .NET does not promise, and of the parts of a message
"""

from __future__ import annotations

import re
import typing
from xml.etree import ElementTree

Tree = str | tuple[typing.Any, ...]

_SUFFIX = re.compile(r"_[0-9a-f]{32}|…[0-9a-f]{18,19}")
_FRAME = re.compile(r", [^\n]*?: line \d+")
_HIDDEN = {"StackTrace", "Definition"}
_OF_SCRIPT = {"ScriptName", "Line", "Statement", "PositionMessage", "PSScriptRoot", "PSCommandPath"}
_NUMBERS_OF_SCRIPT = {"ScriptLineNumber", "OffsetInLine"}
_PLATFORM = {"OS", "Platform"}


def comparable(element: ElementTree.Element) -> Tree:
    return _Comparison().convert(element)


class _Comparison:
    def __init__(self) -> None:
        self._types: dict[str, tuple[str, ...]] = {}

    def convert(self, element: ElementTree.Element) -> Tree:
        name = element.get("N", "")
        if element.tag == "Obj":
            return (name, "Obj", *self._object(element))
        return (name, element.tag, self._text(name, element))

    def _object(self, element: ElementTree.Element) -> typing.Iterator[Tree]:
        is_message = element[0].tag == "MS"
        for child in element:
            if child.tag == "TN":
                self._types[child.get("RefId", "")] = tuple(each.text or "" for each in child)
                yield self._types[child.get("RefId", "")]
            elif child.tag == "TNRef":
                yield self._types[child.get("RefId", "")]
            elif child.tag == "ToString":
                yield ("ToString", _unsuffixed((child.text or "").partition("_x000A_   at ")[0]))
            elif child.tag == "DCT":
                yield ("DCT", *sorted((self._entry(each) for each in child), key=repr))
            elif is_message:
                yield ("MS", *sorted((self.convert(each) for each in child), key=repr))
            elif child.tag in ("Props", "MS", "LST"):
                yield (child.tag, *(self.convert(each) for each in child))
            else:
                yield self.convert(child)

    def _entry(self, element: ElementTree.Element) -> Tree:
        key, value = element
        if key.text in _PLATFORM:
            return (key.text, value.tag)
        return (self.convert(key), self.convert(value))

    def _text(self, name: str, element: ElementTree.Element) -> str:
        text = element.text or ""
        if element.tag == "SBK" or name in _HIDDEN:
            return "present" if text else ""
        if name in _OF_SCRIPT or name in _NUMBERS_OF_SCRIPT:
            return "present" if text not in ("", "0") else text
        if name == "ErrorDetails_ScriptStackTrace":
            return _FRAME.sub("", text)
        return _unsuffixed(text)


def _unsuffixed(text: str) -> str:
    return _SUFFIX.sub("_SUFFIX", text)
