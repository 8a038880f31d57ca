# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the session cmdlets say, in the language of the Windows host. A client must never depend on any of it."""

from __future__ import annotations

from .machine import Language

_ENGLISH = {
    "no_deployment": (
        "A Remote Desktop Services deployment does not exist on {host}. This operation can be performed after creating "
        'a deployment. For information about creating a deployment, run "Get-Help New-RDVirtualDesktopDeployment" or '
        '"Get-Help New-RDSessionDeployment".'
    ),
    "no_fqdn": "The specified RD Connection Broker server name {host} is not a fully qualified domain name.",
    "passive_broker": (
        "The RD Connection Broker server {host} is not active. Specify an active Remote Desktop management server name."
    ),
    "short_host": "The specified RD Session Host server name {host} is not a fully qualified domain name.",
    "host_off": "The RD Session Host server {host} is not available.",
    "no_session_host": "The server {host} is not a RD Session Host server of the deployment.",
    "no_collection": "The specified collection {name} does not exist.",
    "no_session": "The specified session {id} on {host} does not exist.",
    "no_host": "The host server {host} does not exist.",
    "denied": "Access is denied.",
    "code": "Error code: {code}",
    "closed": "closed {id}",
    "not_found": "Cannot find session {id}",
    "server_not_found": "Cannot find server {host}",
    "timed_out": "The operation was aborted after {seconds} seconds.",
    "sign_in": "User is not signed in to Windows Virtual Desktop. Run Add-RdsAccount first.",
    "sign_in_failed": "The sign-in to {url} failed.",
    "no_pool": "The host pool {name} does not exist in the tenant {tenant}.",
}
_GERMAN = {
    "no_deployment": (
        "Auf {host} ist keine Remotedesktopdienste-Bereitstellung vorhanden. Dieser Vorgang kann nach dem Erstellen "
        "einer Bereitstellung ausgeführt werden."
    ),
    "no_fqdn": "Der angegebene Name {host} des RD-Verbindungsbrokerservers ist kein vollqualifizierter Domänenname.",
    "passive_broker": (
        "Der RD-Verbindungsbrokerserver {host} ist nicht aktiv. Geben Sie den Namen eines aktiven "
        "Remotedesktop-Verwaltungsservers an."
    ),
    "short_host": ("Der angegebene Name {host} des RD-Sitzungshostservers ist kein vollqualifizierter Domänenname."),
    "host_off": "Der RD-Sitzungshostserver {host} ist nicht verfügbar.",
    "no_session_host": "Der Server {host} ist kein RD-Sitzungshostserver der Bereitstellung.",
    "no_collection": "Die angegebene Sammlung {name} ist nicht vorhanden.",
    "no_session": "Die angegebene Sitzung {id} auf {host} ist nicht vorhanden.",
    "no_host": "Der Hostserver {host} ist nicht vorhanden.",
    "denied": "Zugriff verweigert",
    "code": "Fehlercode: {code}",
    "closed": "{id} geschlossen",
    "not_found": "Die Sitzung {id} wurde nicht gefunden",
    "server_not_found": "Der Server {host} wurde nicht gefunden",
    "timed_out": "Der Vorgang wurde nach {seconds} Sekunden abgebrochen.",
    "sign_in": "Der Benutzer ist nicht bei Windows Virtual Desktop angemeldet. Führen Sie zuerst Add-RdsAccount aus.",
    "sign_in_failed": "Die Anmeldung bei {url} ist fehlgeschlagen.",
    "no_pool": "Der Hostpool {name} ist im Mandanten {tenant} nicht vorhanden.",
}
_TEXTS: dict[Language, dict[str, str]] = {"en": _ENGLISH, "de": _GERMAN}


def text(language: Language, key: str, **values: object) -> str:
    return _TEXTS[language][key].format(**values)
