"""Where credentials of S3 are found, and what is said of a block that cannot be read."""

import gzip
import json
import os
import subprocess
import sys
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_aws import AwsCredentials
from pydantic import SecretStr, TypeAdapter, ValidationError

from srcnn.errors import UsageError
from tasks.credentials import describe_block_error, use_credentials
from tests.support.marks import TRACKED
from tests.support.paths import ROOT
from tests.support.run_python import run_python
from tests.support.servers.faults import FaultProxy
from tests.support.servers.seaweedfs import S3Server


@pytest.fixture
def photo(s3_server: S3Server, pictures: Path) -> str:
    bucket = s3_server.make_bucket()
    content = cv2.imencode(".png", cv2.imread(str(pictures / "cat.png")))[1].tobytes()
    s3_server.filesystem().pipe_file(f"{bucket}/in/cat.png", content)
    return f"s3://{bucket}"


def upscale(
    photo: str, folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """A run from a folder of one's own, as `.env` is read from there."""
    words = ["--src", f"{photo}/in", "--dst", f"{photo}/out"]
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    added = {"PYTHONPATH": str(ROOT), "AWS_EC2_METADATA_DISABLED": "true"}
    return run_python(
        ROOT / "flows" / "upscale.py", *words, environment=kept | added, folder=folder
    )


def test_dotenv_names_a_profile(
    photo: str, s3_server: S3Server, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    """Both at once: AWS_* from `.env`, and keys from the profile that it names."""
    (tmp_path / "credentials").write_text(
        f"[photos]\naws_access_key_id = {s3_server.access_key}\n"
        f"aws_secret_access_key = {s3_server.secret_key}\n"
    )
    (tmp_path / ".env").write_text(
        f"AWS_PROFILE=photos\nAWS_ENDPOINT_URL={s3_server.endpoint}\n"
        f"AWS_SHARED_CREDENTIALS_FILE={tmp_path / 'credentials'}\n"
    )
    done = upscale(photo, tmp_path, clean_environment)
    assert done.returncode == 0, done.stderr
    assert s3_server.filesystem().exists(f"{photo}/out/cat.png")


def test_the_environment_counts_for_more_than_dotenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_PROFILE", "from-environment")
    monkeypatch.setenv("AWS_REGION", "to be removed after the test")
    monkeypatch.delenv("AWS_REGION")
    (tmp_path / ".env").write_text("AWS_PROFILE=from-file\nAWS_REGION=from-file\nOTHER=from-file\n")
    use_credentials(None)
    assert os.environ["AWS_PROFILE"] == "from-environment"
    assert os.environ["AWS_REGION"] == "from-file"
    assert "OTHER" not in os.environ


def test_a_block_without_a_server_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    no_api = temporary_settings(restore_defaults={PREFECT_API_URL})  # other tests start a server
    words = "no Prefect server is configured: set PREFECT_API_URL"
    with no_api, pytest.raises(UsageError, match=words):
        use_credentials("night-shift")


def test_a_block_without_its_library_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_aws", None)  # as where it is not installed
    with pytest.raises(UsageError, match=r"needs prefect-aws.*'\.\[aws\]'"):
        use_credentials("night-shift")


SECRET = "wJalrXUtnFEMI/K7MDENG"  # noqa: S105 - opens nothing


def document(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """Change the block document in a response of the server."""

    def rewrite(body: bytes) -> bytes:
        found = json.loads(gzip.decompress(body))
        change(found)
        return gzip.compress(json.dumps(found).encode())

    return rewrite


def spoil_data(found: dict[str, Any]) -> None:
    found["data"] = [{"key": SECRET}]


def spoil_key(found: dict[str, Any]) -> None:
    found["data"]["aws_secret_access_key"] = {"key": SECRET}


def spoil_token(found: dict[str, Any]) -> None:
    found["data"]["aws_session_token"] = [SECRET]


class TestABlockThatDoesNotValidate:
    pytestmark = TRACKED

    @pytest.mark.parametrize("spoil", [spoil_data, spoil_key, spoil_token])
    def test_it_is_reported_without_its_content(
        self,
        spoil: Callable[[dict[str, Any]], None],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        name = f"spoilt-{uuid.uuid4()}"
        AwsCredentials(aws_access_key_id="me", aws_secret_access_key=SecretStr(SECRET)).save(name)
        with FaultProxy(PREFECT_API_URL.value().removesuffix("/api")) as proxy:
            proxy.rewrite(document(spoil), path_contains=f"block_documents/name/{name}")
            through = temporary_settings({PREFECT_API_URL: f"{proxy.endpoint}/api"})
            words = r"\(SRCNN_AWS_BLOCK\) cannot be read \(its content is not valid\): expected a"
            with through, pytest.raises(UsageError, match=words) as caught:
                use_credentials(name)
            assert proxy.seen("GET", path_contains=name)
        shown = "".join(traceback.format_exception(caught.value))
        printed = capfd.readouterr()
        for text in (shown, caplog.text, printed.out, printed.err):
            assert SECRET not in text


@pytest.mark.parametrize("is_chained", [True, False])
def test_what_a_library_repeats_of_a_block_is_not_repeated(*, is_chained: bool) -> None:
    """An error of its own, with pydantic's text, raised from that one or while it is handled."""

    def load() -> None:
        try:
            TypeAdapter(int).validate_python([SECRET])
        except ValidationError as error:
            raise RuntimeError(f"cannot load: {error}") from (error if is_chained else None)

    with pytest.raises(RuntimeError, match=SECRET) as caught:
        load()
    assert describe_block_error(caught.value) == "its content is not valid"
    assert describe_block_error(ConnectionError("refused")) == "refused"
