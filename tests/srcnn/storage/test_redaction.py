"""Texts of servers and libraries, in our messages."""

import pytest

from srcnn.storage.redaction import clean_message


@pytest.mark.timeout(20)
@pytest.mark.parametrize("part", ["x", "a(", "://", "<", "?", "signature", "0x0 at ", "AKIA"])
def test_a_text_of_a_million_characters_takes_no_time(part: str) -> None:
    assert len(clean_message("the server says " + part * 1_000_000)) <= 300


def test_a_secret_is_not_cut_in_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-repeat")
    for length in range(1_980, 2_001):
        assert "do-" not in clean_message("y" * (length - 1) + " do-not-repeat")


def test_keys_of_a_test_server_are_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert clean_message("cannot reach bucket test") == "cannot reach bucket test"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-key")
    assert clean_message("test-key of bucket test") == "*** of bucket test"
