# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The .NET exceptions that travel in error records, with the properties that PowerShell 7.6 was seen to send."""

from __future__ import annotations

import dataclasses

from .clixml import I64, Dictionary, DotNetObject, Properties, Types, Value, type_names

AUTOMATION = "System.Management.Automation"
_NO_DATA = Dictionary(type_names("System.Collections.ListDictionaryInternal"))
_SYSTEM = ("System.SystemException", "System.Exception")
_RUNTIME = (f"{AUTOMATION}.RuntimeException", *_SYSTEM)
_COR_E_EXCEPTION = -2146233087
_E_INVALID_CAST = -2147467262


@dataclasses.dataclass(frozen=True)
class DotNetException:
    """An exception: its class and bases, the text, and its own properties in the order in which they are sent."""

    types: Types
    message: str
    properties: Properties

    @property
    def name(self) -> str:
        """The class without its namespace: an error record's reason."""
        return self.types[0].rpartition(".")[2]

    def as_value(self) -> DotNetObject:
        lines = [f"{self.types[0]}: {self.message}"]
        inner = self.properties["InnerException"]
        if isinstance(inner, DotNetObject):
            lines += [f" ---> {inner.text}", "   --- End of inner exception stack trace ---"]
        if self.properties["StackTrace"] is not None:
            lines.append(str(self.properties["StackTrace"]))
        return DotNetObject(self.types, self.properties, text="\n".join(lines), whole=True)


def _common(
    site: str | None,
    inner: DotNetException | None = None,
    source: str = AUTOMATION,
    result: int = _COR_E_EXCEPTION,
    data: Dictionary = _NO_DATA,
) -> Properties:
    """The properties that every exception has; `site` is the method that threw it, None where nothing was thrown."""
    return {
        "Data": data,
        "InnerException": None if inner is None else inner.as_value(),
        "HelpLink": None,
        "Source": None if site is None else source,
        "HResult": result,
        "StackTrace": None if site is None else f"   at {site}",
    }


def _runtime(
    types: Types,
    message: str,
    site: str | None,
    own: Properties | None = None,
    inner: DotNetException | None = None,
    data: Dictionary = _NO_DATA,
) -> DotNetException:
    properties: Properties = {
        "ErrorRecord": message,
        **(own or {}),
        "WasThrownFromThrowStatement": False,
        "TargetSite": site,
        "Message": message,
        **_common(site, inner, data=data),
    }
    return DotNetException(types, message, properties)


def write_error(message: str) -> DotNetException:
    """What the Write-Error cmdlet makes."""
    properties: Properties = {"TargetSite": None, "Message": message, **_common(None)}
    return DotNetException(
        type_names("Microsoft.PowerShell.Commands.WriteErrorException", *_SYSTEM), message, properties
    )


def command_not_found(message: str, command: str, site: str | None) -> DotNetException:
    types = type_names(f"{AUTOMATION}.CommandNotFoundException", *_RUNTIME)
    return _runtime(types, message, site, {"CommandName": command})


def item_not_found(message: str) -> DotNetException:
    types = type_names(f"{AUTOMATION}.ItemNotFoundException", f"{AUTOMATION}.SessionStateException", *_RUNTIME)
    site = f"Void ThrowTerminatingError({AUTOMATION}.ErrorRecord)"
    return _runtime(types, message, site, {"ItemName": "", "SessionStateCategory": "Variable"})


def runtime(message: str, site: str | None = None, name: str = "RuntimeException") -> DotNetException:
    """A RuntimeException, or one of the classes that add nothing to it."""
    own = () if name == "RuntimeException" else (f"{AUTOMATION}.{name}",)
    return _runtime(type_names(*own, *_RUNTIME), message, site)


def parse(message: str) -> DotNetException:
    """Of script text in a no-language session."""
    site = (
        f"{AUTOMATION}.CommandProcessorBase CreateCommandProcessor({AUTOMATION}.ExecutionContext, Boolean, "
        f"{AUTOMATION}.CommandOrigin)"
    )
    properties: Properties = {
        "Errors": None,
        "Message": message,
        "ErrorRecord": message,
        "WasThrownFromThrowStatement": False,
        "TargetSite": site,
        **_common(site),
    }
    return DotNetException(type_names(f"{AUTOMATION}.ParseException", *_RUNTIME), message, properties)


def prompt_refused(question: str, method: str) -> DotNetException:
    """A command asks, and there is nobody to ask; `method` is what a function called for it."""
    text = (
        "A command that prompts the user failed because the host program or the command type does not support user "
        f"interaction. The host was attempting to request confirmation with the following message: {question}"
    )
    types = type_names(f"{AUTOMATION}.Host.HostException", *_RUNTIME)
    host = _runtime(types, text, "Void ThrowPromptNotInteractive(System.String)")
    if not method:
        return host
    types = type_names(
        f"{AUTOMATION}.MethodInvocationException",
        f"{AUTOMATION}.MethodException",
        f"{AUTOMATION}.ExtendedTypeSystemException",
        *_RUNTIME,
    )
    return _runtime(types, f'Exception calling "{method}" with "2" argument(s): "{text}"', None, inner=host)


def conversion(message: str, site: str, inner: DotNetException) -> DotNetException:
    """A cast that LanguagePrimitives refused."""
    properties: Properties = {
        "ErrorRecord": message,
        "TargetSite": f"System.Object {site}",
        "Message": message,
        **_common(f"{AUTOMATION}.LanguagePrimitives.{site}", inner, result=_E_INVALID_CAST),
    }
    types = type_names(f"{AUTOMATION}.PSInvalidCastException", "System.InvalidCastException", *_SYSTEM)
    return DotNetException(types, message, properties)


def core(name: str, message: str, site: str, result: int, *bases: str) -> DotNetException:
    """An exception of the runtime library below PowerShell."""
    source = "System.Private.CoreLib"
    properties: Properties = {"TargetSite": f"Void {site}", "Message": message, **_common(site, None, source, result)}
    return DotNetException(type_names(name, *bases, *_SYSTEM), message, properties)


def metadata(kind: str, message: str, site: str, inner: DotNetException | None) -> DotNetException:
    """What an attribute of a parameter threw: ArgumentTransformation or Validation."""
    types = type_names(f"{AUTOMATION}.{kind}MetadataException", f"{AUTOMATION}.MetadataException", *_RUNTIME)
    return _runtime(types, message, site, inner=inner)


@dataclasses.dataclass(frozen=True)
class BindingFailure:
    """What a ParameterBindingException says about the parameter."""

    error_id: str
    parameter: str | None
    parameter_type: str | None = None
    given_type: str | None = None
    subclass: str = ""  # ParameterBindingArgumentTransformationException, ParameterBindingValidationException
    site: str = ""


def parameter_binding(message: str, failure: BindingFailure, inner: DotNetException | None = None) -> DotNetException:
    own = (f"{AUTOMATION}.{failure.subclass}",) if failure.subclass else ()
    properties: dict[str, Value] = {
        "Message": message,
        "ParameterName": failure.parameter,
        "ParameterType": failure.parameter_type,
        "TypeSpecified": failure.given_type,
        "ErrorId": failure.error_id,
        "Line": I64(0),
        "Offset": I64(0),
        "CommandInvocation": f"{AUTOMATION}.InvocationInfo",
        "ErrorRecord": message,
        "WasThrownFromThrowStatement": False,
        "TargetSite": failure.site,
        **_common(failure.site, inner),
    }
    types = type_names(*own, f"{AUTOMATION}.ParameterBindingException", *_RUNTIME)
    return DotNetException(types, message, properties)
