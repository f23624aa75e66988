import base64
import io
import json
import logging
import logging.handlers

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.security.authority import make_authority
from isthmus.core.security.passwords import Cost, hash_password
from isthmus.core.security.redaction import SecretFilter, redact, redact_value
from isthmus.core.security.tokens import new_token

SECRET = "Sup3r-geheim"


@pytest.mark.parametrize(
    "line",
    [
        f"opening iscsi://anna%{SECRET}@10.0.0.1:3260/iqn.2026-01.org.example:v1/1",
        f'{{"filename": "iscsi://anna%{SECRET}@10.0.0.1/iqn/1"}}',
        f"postgresql+psycopg://isthmus:{SECRET}@db/isthmus",
        f"amqp://:{SECRET}@queue//",
        f"redis://x:p@{SECRET}@queue/0",
        f"-object tls-creds-x509,key-secret={SECRET},dir=/x",
        f"password={SECRET}",
        f"node.session.auth.password = {SECRET}",
        f"discovery.sendtargets.auth.password_in={SECRET}",
        f"chap_secret: {SECRET}",
        f"OS_PASSWORD={SECRET} cinder list",
        f'{{"chap_secret": "{SECRET}", "lun": 1}}',
        f"{{'password': '{SECRET} with blanks'}}",
        f'"{{\\"password\\": \\"{SECRET}\\"}}"',
        f'"password": "a\\"{SECRET}"',
        f"GET /x?access_token={SECRET}&page=2",
        f"Authorization: Bearer {SECRET}aaaaaaaa",
        f"Authorization: Basic {SECRET.replace('-', '')}aaaa==",
        f"X-Auth-Token: {SECRET}",
        f"{{'Authorization': 'Basic {SECRET}'}}",
        f"vmware-api-session-id: {SECRET}",
        f'"{{\\"secret\\": \\"a\\\\\\"{SECRET}\\"}}"',
        f"x-subject-token={SECRET}",
    ],
)
def test_no_secret_stays_in_a_line(line: str) -> None:
    assert SECRET not in redact(line)
    assert SECRET.replace("-", "") not in redact(line)


def test_what_surrounds_a_secret_stays() -> None:
    assert redact(f"login iscsi://anna%{SECRET}@10.0.0.1:3260/iqn/1 failed") == (
        "login iscsi://anna%***@10.0.0.1:3260/iqn/1 failed"
    )
    assert redact(f"token {new_token()} of anna") == "token ist_*** of anna"
    assert redact(f'{{"chap_secret": "{SECRET}", "lun": 1}}') == '{"chap_secret": "***", "lun": 1}'
    assert redact(f"a?password={SECRET}&page=2") == "a?password=***&page=2"


@pytest.mark.parametrize(
    "line",
    [
        "volume db1 created in 12 ms (request req-6f1c9a52-7f43-4f0c-9d51-0d0a4c1f7c11)",
        "no token was given",
        "https://storage.example:8443/v1/volumes?limit=10",
        "iscsi://10.0.0.1:3260/iqn.2026-01.org.example:v1/1",
        "user anna@example.org signed in",
        "secrets are sealed",
        "basic authentication failed: bearer authentication is on",
        "token:create needs one of the roles admin, manager",
        "the password was wrong",
        "list_of_tests ist_short",
    ],
)
def test_plain_lines_stay_as_they_are(line: str) -> None:
    assert redact(line) == line


@given(st.binary(min_size=32, max_size=32))
def test_every_token_is_hidden_wherever_it_stands(raw: bytes) -> None:
    token = "ist_" + base64.urlsafe_b64encode(raw).decode().rstrip("=")
    for line in (token, f'"{token}"', f"({token})", f"/x/{token}/y", f"Bearer {token}", f"t={token},"):
        assert token[4:20] not in redact(line)


@pytest.mark.parametrize("kind", ["", "EC ", "RSA ", "ENCRYPTED ", "OPENSSH "])
def test_private_keys_are_hidden_whole_and_cut_short(kind: str) -> None:
    body = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
    whole = f"before\n-----BEGIN {kind}PRIVATE KEY-----\n{body}\n{body}\n-----END {kind}PRIVATE KEY-----\nafter"
    hidden = redact(whole)
    assert body not in hidden
    assert hidden.startswith("before")
    assert hidden.endswith("after")
    assert body[:8] not in redact(whole[:70])
    assert body not in redact(json.dumps(whole))


def test_certificates_are_no_secret() -> None:
    certificate = make_authority().certificate.decode()
    assert redact(certificate) == certificate


def test_password_hashes_are_hidden() -> None:
    stored = hash_password("x", Cost(ln=4))
    assert redact(f"row {stored} end") == "row $scrypt$*** end"


def test_values_under_secret_names_go_whatever_they_are() -> None:
    value = {
        "chap_user": "anna",
        "chap_secret": SECRET,
        "nested": [{"password": ["a", SECRET], "uri": f"iscsi://a%{SECRET}@b/c", "size": 5, "on": True, "none": None}],
        "key-secret": 42,
        "raw": SECRET.encode(),
    }
    assert redact_value(value) == {
        "chap_user": "anna",
        "chap_secret": "***",
        "nested": [{"password": "***", "uri": "iscsi://a%***@b/c", "size": 5, "on": True, "none": None}],
        "key-secret": "***",
        "raw": "<12 bytes>",
    }


def test_a_value_that_holds_itself_ends() -> None:
    loop: dict[str, object] = {"password": SECRET}
    loop["self"] = loop
    assert SECRET not in str(redact_value(loop))


@pytest.fixture
def logged() -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(SecretFilter())
    logger = logging.Logger("under test")
    logger.addHandler(handler)
    return logger, stream


def test_the_filter_hides_secrets_in_messages_arguments_and_tracebacks(
    logged: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = logged
    logger.info("connecting to iscsi://a%%%s@b/c", SECRET)
    logger.info("settings %s", {"password": SECRET})
    try:
        raise RuntimeError(f"password={SECRET}")
    except RuntimeError:
        logger.exception("failed", stack_info=True)
    text = stream.getvalue()
    assert SECRET not in text
    assert "RuntimeError" in text
    assert "connecting to iscsi://a%***@b/c" in text


def test_the_filter_hides_secrets_in_extra_fields() -> None:
    handler = logging.handlers.BufferingHandler(10)
    handler.addFilter(SecretFilter())
    logger = logging.Logger("under test")
    logger.addHandler(handler)
    logger.info("x", extra={"chap_secret": SECRET, "connection": {"password": SECRET, "lun": 1}, "tenant": "t"})
    fields = handler.buffer[0].__dict__
    assert fields["chap_secret"] == "***"
    assert fields["connection"] == {"password": "***", "lun": 1}
    assert fields["tenant"] == "t"


def test_the_filter_hides_secrets_in_stack_traces() -> None:
    record = logging.makeLogRecord({"msg": "x", "stack_info": f"in call\n  login(password={SECRET!r})"})
    assert SecretFilter().filter(record)
    assert SECRET not in str(record.stack_info)


def test_a_wrong_format_string_is_no_way_round_the_filter(logged: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = logged
    logger.info(f"password={SECRET} %d", "no number")
    assert SECRET not in stream.getvalue()


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "hostile",
    [
        "password" * 20000,
        "a_" * 60000,
        "://" * 40000,
        "-----BEGIN PRIVATE KEY-----" * 5000,
        "password=" * 15000,
        'password="' * 15000,
        "bearer " * 20000,
        "://a:" * 30000,
        "a-password " * 10000,
        "Bearer a" * 20000,
    ],
)
def test_hostile_text_costs_no_more_than_its_length(hostile: str) -> None:
    assert isinstance(redact(hostile), str)
