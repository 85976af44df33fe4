"""A broken setting stops the start with one line that names it; secrets have no default outside the demo."""

import base64

import pytest

from muster.settings import SettingError, check_serving, read_settings

SECRET = base64.b64encode(bytes(range(32))).decode()
SECRETS = {f"MUSTER_SECRET_{name}": SECRET for name in ("IDENTITY", "QUOTE", "PAYMENTS")}

TRIAL = {
    **SECRETS,
    "MUSTER_SANDBOX_PROVIDERS": "1",
    "MUSTER_MAIL_PRINTED": "1",
    "MUSTER_PUBLIC_URL": "https://cars.example",
}


def test_the_demo_needs_nothing_but_its_word() -> None:
    settings = read_settings({"MUSTER_DEMO": "1"})

    assert settings.demo
    assert settings.address == "http://127.0.0.1:8000"
    assert len(settings.secrets.quote) == 32


def test_outside_the_demo_a_missing_secret_stops_the_start() -> None:
    with pytest.raises(SettingError, match="MUSTER_SECRET_IDENTITY is not set"):
        read_settings({})


def test_secrets_from_the_environment_are_enough() -> None:
    settings = read_settings(SECRETS)

    assert settings.secrets.identity == bytes(range(32))
    assert not settings.demo


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "muster.example", "::"])
def test_the_demo_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(SettingError, match="loopback only"):
        read_settings({"MUSTER_DEMO": "1", "MUSTER_HOST": host})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MUSTER_PORT", "eighty", "whole number from 0 to 65535"),
        ("MUSTER_PORT", "70000", "whole number from 0 to 65535"),
        ("MUSTER_PROCESSES", "0", "whole number from 1 to 64"),
        ("MUSTER_DEMO", "perhaps", "write 1 or 0"),
        ("MUSTER_LOG_LEVEL", "LOUD", "write one of"),
        ("MUSTER_DATABASE_URL", "mysql://x/y", "sqlite:///path/to/file.db or postgresql"),
        ("MUSTER_DATABASE_URL", "not an address", "sqlite:///path/to/file.db or postgresql"),
        ("MUSTER_TRUSTED_PROXIES", "10.0.0.1;10.0.0.2", "write networks as"),
        ("MUSTER_TRUSTED_PROXIES", "*", "write networks as"),
        ("MUSTER_METRICS_TOKEN", "short", "16 or more ASCII characters"),
        ("MUSTER_SECRET_QUOTE", "###", "write base64"),
        ("MUSTER_SECRET_QUOTE", "c2hvcnQ=", "bytes are too few"),
        ("MUSTER_MAIL_HOST", "mail.example", "MUSTER_MAIL_SENDER"),
        ("MUSTER_DATABSE_URL", "sqlite:///x.db", "no setting of Muster"),
    ],
)
def test_a_broken_setting_is_named_with_what_to_write(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingError, match=says) as caught:
        read_settings({**SECRETS, name: value})

    assert name in str(caught.value) or name == "MUSTER_MAIL_HOST"
    assert "\n" not in str(caught.value)


def test_a_secret_is_never_in_the_text_of_an_error() -> None:
    with pytest.raises(SettingError) as caught:
        read_settings({**SECRETS, "MUSTER_SECRET_PAYMENTS": "dGVsbCBub2JvZHk="})

    assert "dGVsbCBub2JvZHk" not in str(caught.value)


def test_settings_that_are_shown_show_no_secret() -> None:
    chosen = read_settings(
        {
            **SECRETS,
            "MUSTER_DATABASE_URL": "postgresql://muster:open-sesame@db/muster",
            "MUSTER_MAIL_PASSWORD": "open-sesame",
            "MUSTER_METRICS_TOKEN": "open-sesame-open-sesame",
        }
    )

    shown = repr(chosen)

    assert "open-sesame" not in shown
    assert not any(repr(secret)[2:-1] in shown for secret in (chosen.secrets.identity, chosen.secrets.payments))


def test_outside_the_demo_nothing_is_served_with_sandboxes_unless_that_is_said() -> None:
    with pytest.raises(SettingError, match="MUSTER_SANDBOX_PROVIDERS is not set"):
        check_serving(read_settings(SECRETS))

    check_serving(read_settings(TRIAL))
    check_serving(read_settings({"MUSTER_DEMO": "1"}))


def test_outside_the_demo_nothing_is_served_that_reaches_nobody_unless_that_is_said() -> None:
    silent = {name: value for name, value in TRIAL.items() if name != "MUSTER_MAIL_PRINTED"}

    with pytest.raises(SettingError, match="MUSTER_MAIL_HOST is not set"):
        check_serving(read_settings(silent))

    mail = {"MUSTER_MAIL_HOST": "mail.example", "MUSTER_MAIL_SENDER": "cars@cars.example"}
    check_serving(read_settings({**silent, **mail}))


@pytest.mark.parametrize("address", ["", "http://cars.example", "cars.example"])
def test_outside_the_demo_people_are_sent_to_an_encrypted_address_only(address: str) -> None:
    with pytest.raises(SettingError, match="write the https:// address"):
        check_serving(read_settings({**TRIAL, "MUSTER_PUBLIC_URL": address}))
