# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Manager through azure-mgmt-desktopvirtualization: the account, and the operations on sessions."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._sessions.errors import ServiceError, TooLateError
from .._sessions.service import Reply
from . import arm_pipeline, azure_sign_in
from .arm_errors import (
    HOST_ROLE,
    READER_ROLE,
    ROLE,
    explain,
    is_throttled,
    reply_to,
    retry_after,
    says_no_session,
)
from .arm_pipeline import Bucket, RowsPolicy, make_policies, make_transport
from .azure_cloud import Cloud, find_cloud
from .azure_credential import make_credential
from .list_limit import ListLimit
from .send_deadline import SendDeadline

try:
    import requests
    from azure.core.exceptions import AzureError, DeserializationError
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.core import ARMPipelineClient
    from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient
    from azure.mgmt.desktopvirtualization.models import SendMessage
except ImportError as error:
    IMPORT_ERROR: ImportError | None = error
else:
    IMPORT_ERROR = arm_pipeline.IMPORT_ERROR

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline import PipelineResponse

LIST_SECONDS = 30
"""Longest silence while a page of a list is read."""
LIMIT_SECONDS = 600.0
"""Longest wait for Azure's limit on lists of session hosts, which is one of five minutes."""
QUIET_SECONDS = 3.0
"""A wait for it that is no longer is not told of."""
BY_NAME = "Try again then, or name the session hosts, which are read one by one and do not count."
UNCONNECTED_SECONDS = 1.0
"""Pause after an act that found no connection. Not doubled as a refusal is: each session is tried so often only."""
ACT_SECONDS = 30
"""Longest silence after an act was sent; then the answer counts as unclear."""

Raw = Mapping[str, Any]
Names = tuple[str, str, str, str]
"""Resource group, host pool, session host and id of a session."""

# What the libraries log is in the errors that they raise, and Ansible's own output is no place for it.
for library in ("azure", "msal", "urllib3"):
    logging.getLogger(library).addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Account:
    """A signed-in account in a cloud."""

    credential: TokenCredential
    cloud: Cloud
    verify: bool | str
    subscription_id: str
    """Subscription to use when a host pool does not name its own; may be empty."""


def sign_in(options: Mapping[str, object], environment: Mapping[str, str]) -> Account:
    """Choose a sign-in and prepare it. No token is asked for yet.

    `options` are the task's, by name; `environment` holds the variables that count where they say nothing.
    Raises ServiceError and ImportError.
    """
    if IMPORT_ERROR is not None:
        raise IMPORT_ERROR
    chosen = azure_sign_in.choose(
        options,
        environment,
        Path(environment.get("HOME") or Path.home()) / ".azure" / "credentials",
        lambda: azure_sign_in.ask_command_line(environment),
    )
    verify = _verify(chosen.get("cert_validation_mode"), environment)
    cloud = find_cloud(chosen.get("cloud_environment") or "AzureCloud", verify)
    return Account(make_credential(chosen, cloud, verify), cloud, verify, chosen.get("subscription_id"))


def _verify(mode: str, environment: Mapping[str, str]) -> bool | str:
    """Return the CA file to trust, or whether to check certificates at all. requests ignores SSL_CERT_FILE itself."""
    if mode not in ("", "validate", "ignore"):
        raise ServiceError(f"cert_validation_mode is {mode!r}: it must be validate or ignore.")
    if mode == "ignore":
        requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]
        return False
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        path = environment.get(name, "").strip()
        if path:
            if not Path(path).exists():
                raise ServiceError(f"{name} is {path}, which does not exist: it must be the file of a CA to trust.")
            return path
    return True


class ArmClient:
    """The DesktopVirtualization operations of one subscription. Safe to use from many threads.

    Resource groups, host pools, hosts and sessions are given by their plain names, never as resource ids.
    """

    def __init__(
        self,
        account: Account,
        subscription_id: str,
        user_agent: str,
        clock: Callable[[], float],
        lives: Callable[[], bool] = lambda: True,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """`clock` counts seconds, `sleep` waits so many; without `lives`, that the run goes on, no act is sent.

        `tell` shows people a sentence about a wait of minutes.
        """
        self._clock, self._lives, self._sleep, self._tell = clock, lives, sleep, tell
        self._limit = ListLimit(clock)
        self._subscription = subscription_id
        self.writes, self.deletes = Bucket("writes", clock), Bucket("deletes", clock)
        self._client = DesktopVirtualizationMgmtClient(
            account.credential,
            subscription_id,
            base_url=account.cloud.resource_manager,
            policies=make_policies(
                account.credential,
                account.cloud.scope,
                user_agent,
                clock,
                RowsPolicy(Bucket("reads", clock), sleep),
            ),
            transport=make_transport(account.verify),
        )

    def pages(self, resource_group: str, host_pool: str, host: str = "") -> Iterator[tuple[list[Raw], float]]:
        """Read the pool's sessions, or one host's: each page's rows and when its request went out (seconds).

        `host` is the host's whole name, empty for all. Raises ServiceError.
        """
        sessions = self._client.user_sessions
        listing: Callable[..., Any] = (
            partial(sessions.list, resource_group, host_pool, host)
            if host
            else partial(sessions.list_by_host_pool, resource_group, host_pool)
        )
        return _read_pages(listing, f"host pool {host_pool} in resource group {resource_group}", ROLE)

    def pool_pages(self, resource_group: str = "") -> Iterator[tuple[list[Raw], float]]:
        """Read the host pools of a resource group, or of the subscription, as `pages` does."""
        pools = self._client.host_pools
        if resource_group:
            listing: Callable[..., Any] = partial(pools.list_by_resource_group, resource_group)
            return _read_pages(listing, f"the host pools of resource group {resource_group}", READER_ROLE)
        return _read_pages(pools.list, f"the host pools of subscription {self._subscription}", READER_ROLE)

    def pool(self, resource_group: str, host_pool: str) -> Raw:
        """Read one host pool. Raises ServiceError, also when there is no such pool."""
        found: list[Raw] = []
        try:
            self._client.host_pools.get(
                resource_group,
                host_pool,
                take_row=lambda row, _sent_at: found.append(row),
                read_timeout=LIST_SECONDS,
            )
        except DeserializationError:
            pass  # The row has been handed over; the model that the SDK makes of it is of no use.
        except AzureError as error:
            raise explain(error, f"host pool {host_pool} in resource group {resource_group}", READER_ROLE) from error
        return found[0]

    def host_pages(
        self, resource_group: str, host_pool: str, until: float | None = None, advice: str = BY_NAME
    ) -> Iterator[tuple[list[Raw], float]]:
        """Read the pool's session hosts as `pages` does. Azure allows about ten such lists in five minutes.

        A list that it refuses is asked for again when that says so, unless that is after the clock reading `until`;
        then `advice` says what else can be done.
        """
        listing = partial(self._client.session_hosts.list, resource_group, host_pool, is_limited=True)
        place = f"host pool {host_pool} in resource group {resource_group}"
        key = f"{resource_group}/{host_pool}".casefold()
        last = self._clock() + LIMIT_SECONDS if until is None else until

        def refused(error: AzureError) -> bool:
            if not is_throttled(error):
                return False
            self._limit.refused(key, retry_after(error))
            return True

        for page in _read_pages(
            listing, place, READER_ROLE, partial(self._await_limit, key, place, last, advice), refused
        ):
            self._limit.listed(key)
            yield page

    def _await_limit(self, key: str, place: str, last: float, advice: str) -> None:
        """Wait until hosts may be listed, at most to the clock reading `last`. Raises ServiceError."""
        while (pause := self._limit.pause(key)) > 0.0:
            limit = "it allows about ten such lists in five minutes"
            if self._clock() + pause > last:
                raise ServiceError(
                    f"Azure does not list the session hosts of {place} for another {pause:.0f} s: {limit}. {advice}",
                    lasting=False,
                )
            if pause > QUIET_SECONDS and self._limit.is_news(pause):
                self._tell(f"Azure lists no session hosts for another {pause:.0f} s: {limit}. Waiting.")
            if not self._lives():
                raise ServiceError("The run has ended, so session hosts are not listed any more.")
            self._sleep(min(1.0, pause))

    def host(self, resource_group: str, host_pool: str, host: str, once_in: float | None = None) -> Raw | None:
        """Read one session host by itself: its row, or `None` when there is no such host. Raises ServiceError.

        With `once_in` it is asked for once only, and the longest silence is so many seconds.
        """
        found: list[Raw] = []
        options: dict[str, Any] = {"take_row": lambda row, _sent_at: found.append(row), "read_timeout": LIST_SECONDS}
        if once_in is not None:
            options.update(read_timeout=min(LIST_SECONDS, once_in), retry_total=0)
        try:
            self._client.session_hosts.get(resource_group, host_pool, host, **options)
        except DeserializationError:
            pass  # The row has been handed over; the model that the SDK makes of it is of no use.
        except AzureError as error:
            if says_no_session(error):
                return None
            raise explain(error, f"host pool {host_pool} in resource group {resource_group}", READER_ROLE) from error
        return found[0]

    def session(self, resource_group: str, host_pool: str, host: str, session_id: str) -> tuple[Raw, float] | None:
        """Read one session by itself: its row and when its request went out, or `None` when there is no such session.

        Raises ServiceError.
        """
        found: list[tuple[Raw, float]] = []
        try:
            self._client.user_sessions.get(
                resource_group,
                host_pool,
                host,
                session_id,
                take_row=lambda row, sent_at: found.append((row, sent_at)),
                read_timeout=LIST_SECONDS,
            )
        except DeserializationError:
            pass  # The row has been handed over; the model that the SDK makes of it is of no use.
        except AzureError as error:
            if says_no_session(error):
                return None
            raise explain(error, f"host pool {host_pool} in resource group {resource_group}") from error
        return found[0]

    def has_host(self, resource_group: str, host_pool: str, host: str) -> bool:
        """Tell whether the pool has a host of that name, in whatever case. Raises ServiceError.

        The list of hosts is limited to about ten in five minutes, so it is asked for only when a look-up finds nothing.
        """
        hosts = self._client.session_hosts
        try:
            try:
                hosts.get(resource_group, host_pool, host)
            except AzureError as error:
                if getattr(error, "status_code", None) != 404:
                    raise
            else:
                return True
            pages = self.host_pages(resource_group, host_pool)
            names = (str(row.get("name")).rpartition("/")[2] for rows, _sent_at in pages for row in rows)
            return any(name.casefold() == host.casefold() for name in names)
        except AzureError as error:
            raise explain(error, f"host pool {host_pool} in resource group {resource_group}") from error

    def disconnect(self, names: Names, send_before: float) -> tuple[Reply, str]:
        """Send one disconnect, once. Return how it was answered, and the reason unless it was accepted.

        `names` say which session. Nothing is sent from the clock reading `send_before` (seconds) on.
        """
        return self._act(partial(self._client.user_sessions.disconnect, *names), self.writes, send_before)

    def log_off(self, names: Names, send_before: float, *, force: bool) -> tuple[Reply, str]:
        """Send one deletion, as `disconnect` does; `force` asks Azure to do it by force.

        That there is no such session is no proof that it is gone.
        """
        return self._act(partial(self._client.user_sessions.delete, *names, force or None), self.deletes, send_before)

    def send_message(
        self, names: Names, send_before: float, *, message_title: str | None, message_body: str | None
    ) -> tuple[Reply, str]:
        """Send one message, as `disconnect` does; a `message_title` or `message_body` that is `None` is left out."""
        message = SendMessage(message_title=message_title, message_body=message_body)
        return self._act(partial(self._client.user_sessions.send_message, *names, message), self.writes, send_before)

    def set_host(
        self, names: tuple[str, str, str], allow_new_session: bool, send_before: float, seconds: float
    ) -> tuple[Reply, str]:
        """Set, once, whether a host takes new sessions; answered as `disconnect`, in so many seconds of silence.

        `names` are resource group, host pool and session host.
        """
        # Written here, so that nothing else of a host can be set by a default of a model.
        body: Any = json.dumps({"properties": {"allowNewSession": allow_new_session}}).encode()
        request = partial(self._client.session_hosts.update, *names, session_host=body)
        return self._act(request, self.writes, send_before, min(ACT_SECONDS, seconds), ("this session host", HOST_ROLE))

    def _act(
        self,
        request: Callable[..., Any],
        bucket: Bucket,
        send_before: float,
        seconds: float = ACT_SECONDS,
        about: tuple[str, str] = ("this session", ROLE),
    ) -> tuple[Reply, str]:
        answers: list[HttpResponse] = []

        def note(response: PipelineResponse[Any, HttpResponse], _body: object, _headers: object) -> None:
            answers.append(response.http_response)
            bucket.note(response.http_response.headers)

        deadline = SendDeadline(send_before, self._clock, self._lives)
        bucket.begin()
        try:
            request(deadline=deadline, read_timeout=seconds, retry_total=0, cls=note)
        except TooLateError:
            return Reply.NOT_SENT, "it could not be sent in time"
        except AzureError as error:
            reply, reason, retry_after = reply_to(error, *about)
            if reply in (Reply.THROTTLED, Reply.NOT_SENT):
                bucket.refused(UNCONNECTED_SECONDS if reply is Reply.NOT_SENT else retry_after)
            return reply, reason
        finally:
            bucket.end()
        if answers and answers[0].status_code == 204:
            return Reply.GONE, "answer 204: there is no such session"
        return Reply.DONE, ""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _read_pages(
    listing: Callable[..., Any],
    place: str,
    role: str,
    prepare: Callable[[], None] = lambda: None,
    may_repeat: Callable[[AzureError], bool] = lambda _error: False,
) -> Iterator[tuple[list[Raw], float]]:
    """Read the pages of a list of a place; `role` is the Azure role that may read it. Raises ServiceError.

    `prepare` is called before each request, and `may_repeat` tells whether one that failed is sent again.
    """
    pages: list[tuple[list[Raw], float]] = []
    links: set[str | None] = set()
    following = listing(take_rows=lambda *page: pages.append(page), read_timeout=LIST_SECONDS).by_page()
    while True:
        prepare()
        try:
            if next(following, None) is None:
                return
        except AzureError as error:
            if may_repeat(error):
                continue
            raise explain(error, place, role) from error
        yield from pages
        pages.clear()
        if following.continuation_token in links:
            raise ServiceError(f"The list of {place} leads back to a page that was read already.")
        links.add(following.continuation_token)


def only_subscription(account: Account, user_agent: str) -> str:
    """Return the subscription of an account that sees just one. Raises ServiceError for none or several."""
    client: ARMPipelineClient[HttpRequest, HttpResponse] = ARMPipelineClient(
        account.cloud.resource_manager,
        policies=make_policies(account.credential, account.cloud.scope, user_agent, time.monotonic),
        transport=make_transport(account.verify),
    )
    address = f"{account.cloud.resource_manager}/subscriptions"
    try:
        answer = client.send_request(HttpRequest("GET", address, params={"api-version": "2022-12-01"}))
        answer.raise_for_status()
        page = answer.json()
        found = [str(one["subscriptionId"]) for one in page["value"]] + [""] * bool(page.get("nextLink"))
    except AzureError as error:
        raise explain(error, "the list of subscriptions") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceError("Azure did not answer with a list of subscriptions: set subscription_id.") from error
    finally:
        client.close()
    if len(found) != 1:
        sees = "more than one subscription" if found else "no subscription"
        raise ServiceError(f"The account sees {sees}: set subscription_id (AZURE_SUBSCRIPTION_ID).")
    return found[0]
