# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP pipeline to Azure Resource Manager: acts once and in time, lists with retries and at a pace."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from .._sessions.errors import ServiceError
from .idle_connection import MOST_IDLE
from .pacing import Pacing
from .send_deadline import SendDeadline

try:
    import requests
    from azure.core.exceptions import HttpResponseError, ServiceResponseError, ServiceResponseTimeoutError
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
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
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
LIST_RETRIES = 10
"""Tries of a page after the first, when the service is overloaded or drops the connection."""
SILENCE_RETRIES = 1
"""Tries of a page after a silence: each may cost LIST_SECONDS."""
LONGEST_LIST_PAUSE = 30.0
"""Seconds that a list waits between two tries at most, whatever the service asks for."""
PER_SECOND = {"reads": 25.0, "writes": 10.0, "deletes": 10.0}
"""Refill of ARM's buckets, from its documentation."""
REMAINING = "x-ms-ratelimit-remaining-subscription-"
"""Header that says how much is left of a bucket, with its name; for all callers together with `global-` before that."""

_sending = threading.local()
"""The `deadline` of the act that this thread is sending, if it is one."""


class PunctualConnection(HTTPSConnection):
    """Checks the deadline again when a new connection stands: names, addresses and TLS can take any time."""

    used_at = -math.inf
    """When it was last used, by `monotonic`."""

    def connect(self) -> None:
        """Connect, or raise TooLateError."""
        super().connect()
        deadline: SendDeadline | None = getattr(_sending, "deadline", None)
        if deadline is not None:
            deadline.check()


class PunctualPool(HTTPSConnectionPool):
    """Connections of that kind."""

    ConnectionCls = PunctualConnection

    def _get_conn(self, timeout: float | None = None) -> Any:
        """Close a connection that may have been dropped on the way: nobody could tell what became of an act on it."""
        connection: Any = super()._get_conn(timeout)
        if connection.sock is not None and monotonic() >= connection.used_at + MOST_IDLE:
            connection.close()  # It connects again by itself.
        return connection

    def _put_conn(self, conn: Any) -> None:
        """Note when a connection was used."""
        if conn is not None:
            conn.used_at = monotonic()
        super()._put_conn(conn)


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
        status = response.http_response.status_code
        if status == 429 and response.context.get("is_limited"):
            return False  # the limit may last for minutes, in which whoever reads the list has more to do than to sleep
        retriable = status in (408, 429, 500, 502, 503, 504)
        return retriable and super().is_retry(settings, response)

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        """Return how many seconds the service asks to wait."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, LONGEST_LIST_PAUSE)


class Bucket(Pacing):
    """One of ARM's buckets: `name` is `reads`, `writes` or `deletes`; `clock` counts seconds."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        super().__init__(PER_SECOND[name], clock)
        self._headers = (f"{REMAINING}{name}", f"{REMAINING}global-{name}")

    def note(self, headers: Mapping[str, str]) -> None:
        """Note what the `headers` of an answer say is left, while it is being read."""
        counts = [int(headers[name]) for name in self._headers if headers.get(name, "").isdecimal()]
        if counts:
            self.remaining(min(counts))


class WirePolicy(HTTPPolicy):  # type: ignore[type-arg]
    """The last policy before the wire: notes when each request really goes out and refuses to send one too late.

    Everything that takes time (tokens, retries) happens before it. `clock` counts seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send, or raise TooLateError."""
        deadline: SendDeadline | None = request.context.get("deadline")
        if deadline is not None:
            deadline.check()
            request.context.options["connection_timeout"] = deadline.connect_seconds(CONNECT_SECONDS)
        request.context["sent_at"] = self._clock()
        _sending.deadline = deadline
        return self.next.send(request)


class RowsPolicy(SansIOHTTPPolicy):  # type: ignore[type-arg]
    """Hands a page's rows, or one row, over as decoded JSON; `sleep` waits as many seconds as the bucket `reads` says.

    For a page no model objects are made: a tenth of the time. The SDK still builds the addresses and follows the pages.
    """

    def __init__(self, reads: Bucket, sleep: Callable[[float], None]) -> None:
        super().__init__()
        self._reads, self._sleep = reads, sleep

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Take our own options out of those that go on to the HTTP library."""
        for name in ("take_rows", "take_row", "is_limited", "deadline"):
            request.context[name] = request.context.options.pop(name, None)
        if request.http_request.method == "GET":
            self._sleep(min(LONGEST_LIST_PAUSE, self._reads.reserve()))

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
                raise ServiceError(f"{address} did not answer with what was asked for.")
            take_row(said, request.context["sent_at"])
        if (take_rows := request.context.get("take_rows")) is not None:
            if not isinstance(said, dict) or not isinstance(said.get("value"), list):
                raise ServiceError(f"{address} did not answer with a list.")
            take_rows(said["value"], request.context["sent_at"])
            said["value"] = []


def make_transport(verify: bool | str) -> RequestsTransport:
    """Make the way to the wire; `verify` is a CA file or whether to check certificates."""
    session = requests.Session()
    session.mount("https://", PunctualAdapter())
    return RequestsTransport(session=session, connection_verify=verify, connection_timeout=CONNECT_SECONDS)


def make_policies(
    credential: TokenCredential,
    scope: str,
    user_agent: str,
    clock: Callable[[], float],
    rows: RowsPolicy | None = None,
) -> list[Any]:
    """Make the policies of a client whose tokens are for `scope`; `rows` only where one hands over rows.

    `clock` counts seconds; `user_agent` tells Azure what sends the requests.
    The SDK's own policies would also follow redirects and register resource providers: an act is sent once.
    """
    return [
        RequestIdPolicy(),
        UserAgentPolicy(user_agent),
        ProxyPolicy(),
        *([rows] if rows is not None else []),
        ContentDecodePolicy(),
        ListRetryPolicy(),
        ARMChallengeAuthenticationPolicy(credential, scope),
        WirePolicy(clock),
    ]
