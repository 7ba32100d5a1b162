"""Upload a folder to the runner's artifact service, or download one: version 4 of its protocol."""

import base64
import hashlib
import io
import json
import os
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

SERVICE = "twirp/github.actions.results.api.v1.ArtifactService"
BLOCK = base64.b64encode(b"block-1").decode()


def main() -> int:
    folder = Path(os.environ["ARTIFACT_PATH"])
    return download(folder) if sys.argv[1] == "download" else upload(folder)


def download(folder: Path) -> int:
    run, job = _backend_ids(os.environ["ACTIONS_RUNTIME_TOKEN"])
    run = os.environ["ARTIFACT_RUN"] or run
    named = {"workflow_run_backend_id": run, "workflow_job_run_backend_id": job}
    name = os.environ["ARTIFACT_NAME"]
    listed = _call("ListArtifacts", named).get("artifacts", [])
    if name not in [one["name"] for one in listed]:
        sys.stdout.write(f"::error::there is no artifact {name}\n")
        return 1
    signed = _call("GetSignedArtifactURL", {**named, "name": name})
    address = signed.get("signed_url") or signed["signedUrl"]
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - the runner's own
        data = answer.read()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    return 0


def upload(folder: Path) -> int:
    with_hidden = os.environ["WITH_HIDDEN"] == "true"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not with_hidden:
        files = [path for path in files if not _is_hidden(folder, path)]
    if not files:
        level = {"error": "error", "warn": "warning"}.get(os.environ["NO_FILES"], "debug")
        sys.stdout.write(f"::{level}::no files were found in {folder}\n")
        return int(level == "error")
    data = _zip(folder, files)
    digest = hashlib.sha256(data).hexdigest()
    artifact = _upload(os.environ["ARTIFACT_NAME"], data, digest)
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as output:
        output.write(f"artifact-id={artifact}\nartifact-digest={digest}\n")
        output.write(f"artifact-url={os.environ['RUN_URL']}/artifacts/{artifact}\n")
    return 0


def _is_hidden(folder: Path, path: Path) -> bool:
    return any(part[0] == "." for part in (folder.name, *path.relative_to(folder).parts))


def _zip(folder: Path, files: list[Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def _upload(name: str, data: bytes, digest: str) -> str:
    run, job = _backend_ids(os.environ["ACTIONS_RUNTIME_TOKEN"])
    named = {"workflow_run_backend_id": run, "workflow_job_run_backend_id": job, "name": name}
    created = _call("CreateArtifact", {**named, "version": 4})
    address = created.get("signed_upload_url") or created["signedUploadUrl"]
    _put(f"{address}&comp=block&blockid={BLOCK}", data)
    blocks = f"<BlockList><Latest>{BLOCK}</Latest></BlockList>"
    _put(f"{address}&comp=blocklist", blocks.encode())
    facts = {"size": str(len(data)), "hash": f"sha256:{digest}"}
    done = _call("FinalizeArtifact", {**named, **facts})
    return str(done.get("artifact_id") or done["artifactId"])


def _backend_ids(token: str) -> list[str]:
    """Read the ids of run and job from the scopes that the runner's token states."""
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    [scope] = [one for one in claims["scp"].split() if one.startswith("Actions.Results:")]
    return scope.split(":")[1:3]


def _call(method: str, message: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - the runner's own address
        f"{os.environ['ACTIONS_RESULTS_URL'].rstrip('/')}/{SERVICE}/{method}",
        data=json.dumps(message).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['ACTIONS_RUNTIME_TOKEN']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        return json.load(answer)


def _put(url: str, data: bytes) -> None:
    request = urllib.request.Request(url, data, method="PUT")  # noqa: S310 - the runner's own
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - as above


if __name__ == "__main__":
    sys.exit(main())
