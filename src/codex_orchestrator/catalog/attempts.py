"""Calls to a store that are retried with jitter, and their errors as errors of ours."""

import logging
import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import stamina
from obstore import exceptions

from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError

_T = TypeVar("_T")
# Without a handler, messages about retries would go to stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class RetryPolicy(NamedTuple):
    """How often and how long a call is retried. Times are in seconds."""

    attempts: int = 5
    deadline_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 10.0


def attempt(call: Callable[[], _T], *, what: str, retry: RetryPolicy) -> _T:
    """Make an idempotent call, and repeat it after a failure that may pass.

    Raises:
        ServiceError: all attempts failed; says how to go on.
        NotCheckedError: the service refused our credential.
        InputError: the store cannot do what a catalog needs.
    """
    repeated = stamina.retry(
        on=(exceptions.GenericError, ConnectionError, TimeoutError),
        attempts=retry.attempts,
        timeout=retry.deadline_s,
        wait_initial=retry.first_wait_s,
        wait_max=retry.longest_wait_s,
        wait_jitter=retry.first_wait_s,
    )(call)
    try:
        return repeated()
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise NotCheckedError(
            f"the catalog refused to {what}: {_plain(error)}",
            fix="give the credential the right to read and create objects there",
        ) from error
    except (
        exceptions.NotSupportedError,
        exceptions.InvalidPathError,
        exceptions.UnknownConfigurationKeyError,
    ) as error:
        raise InputError(
            f"the catalog cannot {what}: {_plain(error)}",
            field="catalog.url",
            fix="use a store with conditional puts (create only)",
        ) from error
    except FileNotFoundError as error:
        # A missing object raises no error: what is missing is the bucket or container.
        raise InputError(
            f"the catalog cannot {what}: {_plain(error)}",
            field="catalog.url",
            fix="create the bucket or container first, or correct its name",
        ) from error
    except (exceptions.BaseError, OSError, ValueError) as error:
        raise ServiceError(
            f"the catalog failed to {what}, after up to {retry.attempts} attempts: {_plain(error)}",
            fix="nothing is lost: run `codex-orchestrator sync` again",
        ) from error


def _plain(error: Exception) -> str:
    """Return the first line of an error without the query of its URL, which may hold a key."""
    return re.sub(r"\?\S*", "?…", str(error).partition("\n")[0])[:500]
