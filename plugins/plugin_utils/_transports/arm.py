# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Manager through azure-mgmt-desktopvirtualization: sign-in, paging, pacing, one try an act."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._sessions.errors import ServiceError, TooLateError
from .._sessions.service import Reply
from . import azure_sign_in
from .arm_errors import explain, reply_to, says_no_session
from .azure_cloud import Cloud, find_cloud
from .azure_credential import make_credential
from .pacing import Pacing

try:
    import requests
    from azure.core.exceptions import (
        AzureError,
        DeserializationError,
        HttpResponseError,
        ServiceResponseError,
        ServiceResponseTimeoutError,
    )
    from azure.core.pipeline import PipelineRequest, PipelineResponse
    from azure.core.pipeline.policies import (
        ContentDecodePolicy,
        HTTPPolicy,
        ProxyPolicy,
        RequestIdPolicy,
        RetryPolicy,
        SansIOHTTPPolicy,
        UserAgentPolicy,
    )
    from azure.core.pipeline.transport import RequestsTransport
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.core import ARMPipelineClient
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
    from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient
    from azure.mgmt.desktopvirtualization.models import SendMessage
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPSConnection
    from urllib3.connectionpool import HTTPSConnectionPool
except ImportError as error:
    IMPORT_ERROR: ImportError | None = error
    HTTPPolicy = RetryPolicy = SansIOHTTPPolicy = object  # type: ignore[assignment,misc]
    HTTPAdapter = HTTPSConnection = HTTPSConnectionPool = object  # type: ignore[assignment,misc]
else:
    IMPORT_ERROR = None

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

CONNECTIONS = 16
"""Requests in flight at once. Measured at 50 ms latency: 16 threads do 290 requests a second, ARM allows 10 lasting."""
CONNECT_SECONDS = 10
LIST_SECONDS = 30
"""Longest silence while a page of a list is read."""
LIST_RETRIES = 10
"""Tries of a page after the first, when the service is overloaded or drops the connection."""
SILENCE_RETRIES = 1
"""Tries of a page after a silence: each may cost LIST_SECONDS."""
LONGEST_LIST_PAUSE = 30.0
"""Seconds that a list waits between two tries at most, whatever the service asks for."""
UNCONNECTED_SECONDS = 1.0
"""Pause after an act that found no connection. Not doubled as a refusal is: each session is tried so often only."""
ACT_SECONDS = 30
"""Longest silence after an act was sent; then the answer counts as unclear."""
PER_SECOND = {"reads": 25.0, "writes": 10.0, "deletes": 10.0}
"""Refill of ARM's buckets, from its documentation."""
REMAINING = "x-ms-ratelimit-remaining-subscription-"
"""Header that says how much is left of a bucket, with its name; for all callers together with `global-` before that."""

Raw = Mapping[str, Any]
Names = tuple[str, str, str, str]
"""Resource group, host pool, session host and id of a session."""

# What the libraries log is in the errors that they raise, and Ansible's own output is no place for it.
for library in ("azure", "msal", "urllib3"):
    logging.getLogger(library).addHandler(logging.NullHandler())


_deadline = threading.local()
"""The `send_before` of the act that this thread is sending."""


class PunctualConnection(HTTPSConnection):
    """Checks the deadline again when a new connection stands: names, addresses and TLS can take any time."""

    def connect(self) -> None:
        """Connect, or raise TooLateError."""
        super().connect()
        if time.monotonic() >= getattr(_deadline, "send_before", math.inf):
            raise TooLateError


class PunctualPool(HTTPSConnectionPool):
    """Connections of that kind."""

    ConnectionCls = PunctualConnection


class PunctualAdapter(HTTPAdapter):
    """Uses such connections, directly and through a proxy. Never sends anything twice by itself."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=CONNECTIONS + 1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {**self.poolmanager.pool_classes_by_scheme, "https": PunctualPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pools behind a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": PunctualPool}
        return manager


class ListRetryPolicy(RetryPolicy):  # type: ignore[type-arg]
    """Retries what is worth it, and never sleeps longer than the user can be expected to wait."""

    def __init__(self) -> None:
        # A connection that never came about is no sign of load: three tries, which is the default.
        super().__init__(
            retry_total=LIST_RETRIES, retry_status=LIST_RETRIES, retry_read=LIST_RETRIES, retry_backoff_max=10
        )

    def increment(self, settings: dict[str, Any], response: Any = None, error: Exception | None = None) -> bool:
        """Count a try that failed; tell whether another one may follow."""
        if isinstance(error, ServiceResponseTimeoutError):
            settings["silences"] = settings.get("silences", 0) + 1
            if settings["silences"] > SILENCE_RETRIES:
                return False
        elif isinstance(error, HttpResponseError):
            # An answer that was cut short: the base class would count it, but not pause before the next try.
            error = ServiceResponseError(error, error=error)
        return super().increment(settings, response, error)

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Tell whether to try again."""
        retriable = response.http_response.status_code in (408, 429, 500, 502, 503, 504)
        return retriable and super().is_retry(settings, response)

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        """Return how many seconds the service asks to wait."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, LONGEST_LIST_PAUSE)


class Bucket(Pacing):
    """One of ARM's buckets."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        super().__init__(PER_SECOND[name], clock)
        self._headers = (f"{REMAINING}{name}", f"{REMAINING}global-{name}")

    def note(self, headers: Mapping[str, str]) -> None:
        """Note what an answer says is left, while it is being read."""
        counts = [int(headers[name]) for name in self._headers if headers.get(name, "").isdecimal()]
        if counts:
            self.remaining(min(counts))


class WirePolicy(HTTPPolicy):  # type: ignore[type-arg]
    """The last policy before the wire: notes when each request really goes out and refuses to send one too late.

    Everything that takes time (tokens, retries) happens before it.
    """

    def __init__(self, clock: Callable[[], float], lives: Callable[[], bool]) -> None:
        super().__init__()
        self._clock = clock
        self._lives = lives

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send, or raise TooLateError."""
        now = self._clock()
        send_before = request.context.get("send_before")
        if send_before is not None:
            if now >= send_before or not self._lives():
                raise TooLateError
            # Connecting counts too: the request leaves only on a connection made in time.
            request.context.options["connection_timeout"] = min(CONNECT_SECONDS, send_before - now)
        request.context["sent_at"] = now
        _deadline.send_before = math.inf if send_before is None else send_before
        return self.next.send(request)


class RowsPolicy(SansIOHTTPPolicy):  # type: ignore[type-arg]
    """Hands the rows of a page, or one row, over as decoded JSON, at a pace that the bucket of reads stands.

    For a page no model objects are made: a tenth of the time. The SDK still builds the addresses and follows the pages.
    """

    def __init__(self, reads: Bucket, sleep: Callable[[float], None]) -> None:
        super().__init__()
        self._reads, self._sleep = reads, sleep

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Take our own options out of those that go on to the HTTP library."""
        for name in ("take_rows", "take_row", "send_before"):
            request.context[name] = request.context.options.pop(name, None)
        if request.http_request.method == "GET":
            self._sleep(min(LONGEST_LIST_PAUSE, self._reads.pause()))
            self._reads.begin()

    def on_exception(self, request: PipelineRequest[Any]) -> None:
        """Note that a read has ended without an answer."""
        if request.http_request.method == "GET":
            self._reads.end()

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Give what a good answer says to the caller, and leave an empty page to the SDK."""
        if request.http_request.method == "GET":
            self._reads.note(response.http_response.headers)
            self._reads.end()
        if response.http_response.status_code != 200:
            return
        said = response.context.get(ContentDecodePolicy.CONTEXT_NAME)
        address = request.http_request.url.partition("?")[0]
        if (take_row := request.context.get("take_row")) is not None:
            if not isinstance(said, dict) or "id" not in said:
                raise ServiceError(f"{address} did not answer with a session.")
            take_row(said, request.context["sent_at"])
        if (take_rows := request.context.get("take_rows")) is not None:
            if not isinstance(said, dict) or not isinstance(said.get("value"), list):
                raise ServiceError(f"{address} did not answer with a list.")
            take_rows(said["value"], request.context["sent_at"])
            said["value"] = []


@dataclass(frozen=True, slots=True)
class Account:
    """A signed-in account in a cloud."""

    credential: TokenCredential
    cloud: Cloud
    verify: bool | str
    subscription_id: str
    """Subscription to use when a host pool does not name its own; may be empty."""


def sign_in(options: Mapping[str, object], environment: Mapping[str, str]) -> Account:
    """Choose a sign-in and prepare it. No token is asked for yet. Raises ServiceError and ImportError."""
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
    """The DesktopVirtualization operations of one subscription. Safe to use from many threads."""

    def __init__(
        self,
        account: Account,
        subscription_id: str,
        user_agent: str,
        clock: Callable[[], float],
        lives: Callable[[], bool] = lambda: True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`lives` tells whether the run goes on; no act is sent when it does not."""
        self.writes, self.deletes = Bucket("writes", clock), Bucket("deletes", clock)
        self._client = DesktopVirtualizationMgmtClient(
            account.credential,
            subscription_id,
            base_url=account.cloud.resource_manager,
            policies=_policies(account, user_agent, clock, lives, RowsPolicy(Bucket("reads", clock), sleep)),
            **_transport(account),
        )

    def pages(self, resource_group: str, host_pool: str, host: str = "") -> Iterator[tuple[list[Raw], float]]:
        """Read the pool's sessions, or one host's: each page's rows and when its request went out.

        Raises ServiceError.
        """
        pages: list[tuple[list[Raw], float]] = []
        options: dict[str, Any] = {
            "take_rows": lambda rows, sent_at: pages.append((rows, sent_at)),
            "read_timeout": LIST_SECONDS,
        }
        sessions = self._client.user_sessions
        listing: Any = (
            sessions.list(resource_group, host_pool, host, **options)
            if host
            else sessions.list_by_host_pool(resource_group, host_pool, **options)
        )
        links: set[str | None] = set()
        try:
            following = listing.by_page()
            for _page in following:
                yield from pages
                pages.clear()
                if following.continuation_token in links:
                    raise ServiceError(f"The list of host pool {host_pool} leads back to a page that was read already.")
                links.add(following.continuation_token)
        except AzureError as error:
            raise explain(error, f"host pool {host_pool} in resource group {resource_group}") from error

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
            names = (str(one.name).rpartition("/")[2] for one in hosts.list(resource_group, host_pool))
            return any(name.casefold() == host.casefold() for name in names)
        except AzureError as error:
            raise explain(error, f"host pool {host_pool} in resource group {resource_group}") from error

    def disconnect(self, names: Names, send_before: float) -> tuple[Reply, str]:
        """Send one disconnect, once. Return how it was answered, and the reason unless it was accepted."""
        return self._act(partial(self._client.user_sessions.disconnect, *names), self.writes, send_before)

    def log_off(self, names: Names, send_before: float, *, force: bool) -> tuple[Reply, str]:
        """Send one deletion, as `disconnect` does. That there is no such session is no proof that it is gone."""
        return self._act(partial(self._client.user_sessions.delete, *names, force or None), self.deletes, send_before)

    def send_message(
        self, names: Names, send_before: float, *, message_title: str | None, message_body: str | None
    ) -> tuple[Reply, str]:
        """Send one message, as `disconnect` does."""
        message = SendMessage(message_title=message_title, message_body=message_body)
        return self._act(partial(self._client.user_sessions.send_message, *names, message), self.writes, send_before)

    def _act(self, request: Callable[..., None], bucket: Bucket, send_before: float) -> tuple[Reply, str]:
        answers: list[HttpResponse] = []

        def note(response: PipelineResponse[Any, HttpResponse], _body: object, _headers: object) -> None:
            answers.append(response.http_response)
            bucket.note(response.http_response.headers)

        bucket.begin()
        try:
            request(send_before=send_before, read_timeout=ACT_SECONDS, retry_total=0, cls=note)
        except TooLateError:
            return Reply.NOT_SENT, "it could not be sent in time"
        except AzureError as error:
            reply, reason, retry_after = reply_to(error)
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


def only_subscription(account: Account, user_agent: str) -> str:
    """Return the subscription of an account that sees just one. Raises ServiceError for none or several."""
    client: ARMPipelineClient[HttpRequest, HttpResponse] = ARMPipelineClient(
        account.cloud.resource_manager, policies=_policies(account, user_agent, time.monotonic), **_transport(account)
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


def _transport(account: Account) -> dict[str, Any]:
    session = requests.Session()
    session.mount("https://", PunctualAdapter())
    return {
        "transport": RequestsTransport(
            session=session, connection_verify=account.verify, connection_timeout=CONNECT_SECONDS
        )
    }


def _policies(
    account: Account,
    user_agent: str,
    clock: Callable[[], float],
    lives: Callable[[], bool] = lambda: True,
    rows: RowsPolicy | None = None,
) -> list[Any]:
    """The SDK's own policies would also follow redirects and register resource providers: an act is sent once."""
    return [
        RequestIdPolicy(),
        UserAgentPolicy(user_agent),
        ProxyPolicy(),
        *([rows] if rows is not None else []),
        ContentDecodePolicy(),
        ListRetryPolicy(),
        ARMChallengeAuthenticationPolicy(account.credential, account.cloud.scope),
        WirePolicy(clock, lives),
    ]
