"""The catalog on an object store: a local folder, S3, GCS or Azure.

    manifests/sha256/<aa>/<hash>.json     the manifest's bytes, named by their hash
    runs/<task>/<run>.json                which manifest is the record of a run
    learning/<pattern>/<version>-<hash>.json   metadata of patterns that runs used

Every object is created once and never changed. What is there already is read and compared: the
same bytes are fine, other bytes are a conflict.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from obstore import exceptions
from obstore.store import LocalStore, from_url

from codex_orchestrator.catalog.attempts import RetryPolicy, attempt
from codex_orchestrator.catalog.objects import Objects
from codex_orchestrator.catalog.urls import local_root, refuse_secrets
from codex_orchestrator.model.canonical import (
    CanonicalError,
    canonical_bytes,
    load_strict,
    sha256_hex,
)
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import ConflictError, InputError, ServiceError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.receipt import Receipt
from codex_orchestrator.model.sync import LearningAsset, RunPointer
from codex_orchestrator.model.versions import (
    NewerSchemaError,
    read_document,
    refuse_newer,
    schema_of,
)

if TYPE_CHECKING:
    from obstore.store import ClientConfig

# Vendors' own variables that allow a service without TLS, such as one on this machine.
_ALLOW_HTTP = ("AWS_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP", "AZURE_ALLOW_HTTP")
_REMOTE = RetryPolicy()
# A failed disk seldom recovers while we wait.
_LOCAL = RetryPolicy(attempts=2, deadline_s=5.0, first_wait_s=0.05, longest_wait_s=0.1)


@dataclass(frozen=True)
class ObjectStoreCatalog:
    """A catalog. Receipts name it by `url`, which holds no secret."""

    objects: Objects
    url: str
    clock: Callable[[], str]
    retry: RetryPolicy = _REMOTE

    def push(self, manifest: Manifest, data: bytes) -> Receipt:
        """Store the canonical bytes under their hash; idempotent; other bytes are a conflict.

        Raises:
            ConflictError: the catalog holds another record of the run. Nothing was overwritten.
            ServiceError: the store failed after its retries; repeat the call later.
            NotCheckedError: the store refused our credential.
            NewerSchemaError: a newer version has recorded the run, or one of its patterns.
        """
        digest = sha256_hex(data)
        key = f"manifests/sha256/{digest[:2]}/{digest}.json"
        pointer = RunPointer(
            task_id=manifest.task.id,
            run_id=manifest.run.id,
            attempt=manifest.run.attempt,
            manifest_sha256=digest,
            key=key,
        )
        name = f"runs/{manifest.task.id}/{manifest.run.id}.json"
        self._refuse_other(name, _bytes(pointer), RunPointer)
        created = self._put(key, data, Manifest)
        for use in manifest.patterns:
            asset = LearningAsset(id=use.id, kind=use.kind, version=use.version, sha256=use.sha256)
            self._put(
                f"learning/{use.id}/{use.version}-{use.sha256}.json", _bytes(asset), LearningAsset
            )
        # Last, so that a run that can be found by its name has its manifest.
        self._put(name, _bytes(pointer), RunPointer)
        return Receipt(
            task_id=manifest.task.id,
            run_id=manifest.run.id,
            manifest_sha256=digest,
            catalog=self.url,
            key=key,
            created=created,
            stored_at=self.clock(),
        )

    def search(self, *, kind: str = "", text: str = "") -> Iterator[LearningAsset]:
        """Yield the assets of a kind whose id holds a text; "" means any.

        Raises:
            NewerSchemaError: a newer version wrote an asset.
            ServiceError: the store failed, or an object is not an asset's.
        """
        keys = attempt(lambda: sorted(self.objects.keys("learning")), what="list", retry=self.retry)
        for key in keys:
            asset = self._asset(key)
            if asset and kind in ("", asset.kind) and text in asset.id:
                yield asset

    def _asset(self, key: str) -> LearningAsset | None:
        data = self._get(key)
        if data is None:
            return None
        try:
            return read_document(data, LearningAsset, path=f"{self.url}/{key}", fix="")
        except NewerSchemaError:
            raise
        except InputError as error:
            raise ServiceError(
                f"object {key} of catalog {self.url} is not a learning asset",
                fix="remove it from the store if it is not ours",
            ) from error

    def _put(self, key: str, data: bytes, kind: type[Document]) -> bool:
        """Create an object, read it back, and say whether this call created it."""
        created = attempt(
            lambda: self.objects.create(key, data),
            what=f"create {key}",
            retry=self.retry,
        )
        if not self._refuse_other(key, data, kind):
            raise ServiceError(
                f"catalog {self.url} accepted {key} and does not have it",
                fix="run `codex-orchestrator sync` again",
            )
        return created

    def _refuse_other(self, key: str, data: bytes, kind: type[Document]) -> bool:
        """Say whether an object is there; raise ConflictError when it holds other bytes."""
        there = self._get(key)
        if there is not None and there != data:
            with contextlib.suppress(CanonicalError):
                found = load_strict(there)
                named = found.get("schema") if isinstance(found, dict) else None
                refuse_newer(named, schema_of(kind), path=f"{self.url}/{key}")
            raise ConflictError(
                f"catalog {self.url} holds other bytes under {key}: "
                f"SHA-256 {sha256_hex(there)}, ours {sha256_hex(data)}; nothing was overwritten",
                fix="find out which of the two is right; `runs verify` checks ours",
            )
        return there is not None

    def _get(self, key: str) -> bytes | None:
        return attempt(lambda: self.objects.get(key), what=f"read {key}", retry=self.retry)


def open_object_store(
    url: str, *, repo: Path, clock: Callable[[], str], retry: RetryPolicy | None = None
) -> ObjectStoreCatalog:
    """Open the catalog at a URL. Credentials come from the environment, as the vendor's do.

    Args:
        url: `file://` (relative to the repository or absolute), `s3://`, `gs://` or `az://`.
        repo: the top folder of the repository.
        clock: the present moment, for receipts.
        retry: how often and how long to try.

    Raises:
        InputError: the URL names no store, or holds a secret.
    """
    refuse_secrets(url)
    try:
        if url.startswith("file://"):
            root = local_root(url, repo=repo)
            objects = Objects(LocalStore(prefix=root, mkdir=True), root=root)
            retry = retry or _LOCAL
        else:
            # We retry ourselves: retries of the store would multiply with ours.
            store = from_url(url, client_options=_client(), retry_config={"max_retries": 0})
            objects = Objects(store)
    except (exceptions.BaseError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"cannot open {url!r}: {reason}", field="catalog.url") from error
    return ObjectStoreCatalog(objects, url=url, clock=clock, retry=retry or _REMOTE)


def _client() -> "ClientConfig":
    """Return the timeouts of each request. They replace those of the environment."""
    allow_http = any(os.environ.get(name, "").lower() in ("1", "true") for name in _ALLOW_HTTP)
    return {"timeout": "20s", "connect_timeout": "5s", "allow_http": allow_http}


def _bytes(document: Document) -> bytes:
    return canonical_bytes(document.model_dump(mode="json", by_alias=True))
