"""Settings: options stand before variables, variables before defaults, and no typo is ignored."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from dragoman.domain.principal import Role
from dragoman.settings import CLIENT_VARIABLES, Calling, Settings, SettingsError, calling, load

ANOTHER: dict[str, tuple[str, Any]] = {
    "data_dir": ("/var/lib/dragoman", "/var/lib/dragoman"),
    "database_url": ("postgresql://db.example/dragoman", "postgresql://db.example/dragoman"),
    "host": ("::1", "::1"),
    "port": ("9000", 9000),
    "workers": ("4", 4),
    "production": ("true", True),
    "kek_file": ("/run/secrets/kek", "/run/secrets/kek"),
    "egress_allow": ("127.0.0.0/8", ("127.0.0.0/8",)),
    "egress_proxy": ("http://proxy.example:3128", "http://proxy.example:3128"),
    "ca_bundle": ("/etc/ca.pem", "/etc/ca.pem"),
    "secret_files": ("/run/secrets", "/run/secrets"),
    "vault_address": ("https://vault.internal:8200", "https://vault.internal:8200"),
    "vault_token": ("hvs.token", "hvs.token"),
    "vault_token_file": ("/run/vault/token", "/run/vault/token"),
    "vault_namespace": ("team-a/llms", "team-a/llms"),
    "google_credentials": ("metadata", "metadata"),
    "google_token_endpoint": ("https://oauth2-a.p.googleapis.com/token",) * 2,
    "region": ("eu", "eu"),
    "trace_hosts": ("vllm.internal,*.example", ("vllm.internal", "*.example")),
    "credential_readers": ("admin, editor", (Role.ADMIN, Role.EDITOR)),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
    "control_body_max_bytes": ("2048", 2048),
    "call_body_max_bytes": ("4096", 4096),
    "upstream_answer_max_bytes": ("1048576", 1048576),
    "upstream_line_max_bytes": ("65536", 65536),
    "caller_connections": ("8", 8),
    "caller_head_s": ("8", 8.0),
    "caller_body_s": ("9", 9.0),
    "caller_write_s": ("10", 10.0),
    "caller_keep_alive_s": ("11", 11.0),
    "upstream_connections": ("7", 7),
    "upstream_connect_s": ("2.5", 2.5),
    "upstream_first_byte_s": ("3", 3.0),
    "upstream_idle_s": ("4", 4.0),
    "upstream_total_s": ("5", 5.0),
    "drain_s": ("6", 6.0),
    "stale_max_s": ("7", 7.0),
}
"""Of each setting a text that its variable may have, and the value that it means."""

BAD = [
    ("DRAGOMAN_DATA_DIR", ""),
    ("DRAGOMAN_DATABASE_URL", ""),
    ("DRAGOMAN_DATABASE_URL", "sqlite:///dragoman.db"),
    ("DRAGOMAN_DATABASE_URL", "postgresql+psycopg://db.example/dragoman"),
    ("DRAGOMAN_DATABASE_URL", "postgresql:db.example"),
    ("DRAGOMAN_DATABASE_URL", "db.example"),
    ("DRAGOMAN_DATABASE_URL", "postgresql://ada:a@b@db.example/dragoman"),
    ("DRAGOMAN_DATABASE_URL", "postgresql://ada:a/b@db.example/dragoman"),
    ("DRAGOMAN_CREDENTIAL_READERS", "owner"),
    ("DRAGOMAN_CREDENTIAL_READERS", "admin;editor"),
    ("DRAGOMAN_CREDENTIAL_READERS", "Admin"),
    ("DRAGOMAN_HOST", ""),
    ("DRAGOMAN_PORT", "http"),
    ("DRAGOMAN_PORT", ""),
    ("DRAGOMAN_PORT", "-1"),
    ("DRAGOMAN_PORT", "65536"),
    ("DRAGOMAN_PORT", "80.5"),
    ("DRAGOMAN_PORT", "9" * 5000),
    ("DRAGOMAN_WORKERS", "0"),
    ("DRAGOMAN_WORKERS", "many"),
    ("DRAGOMAN_PRODUCTION", "yes"),
    ("DRAGOMAN_PRODUCTION", ""),
    ("DRAGOMAN_LOG_LEVEL", "verbose"),
    ("DRAGOMAN_LOG_LEVEL", "INFO"),
    ("DRAGOMAN_LOG_LEVEL", "info,debug"),
    ("DRAGOMAN_LOG_FORMAT", "xml"),
    ("DRAGOMAN_CONTROL_BODY_MAX_BYTES", "1023"),
    ("DRAGOMAN_CALL_BODY_MAX_BYTES", "1 MiB"),
    ("DRAGOMAN_UPSTREAM_CONNECTIONS", "0"),
    ("DRAGOMAN_UPSTREAM_CONNECT_S", "0"),
    ("DRAGOMAN_UPSTREAM_FIRST_BYTE_S", "-1"),
    ("DRAGOMAN_UPSTREAM_IDLE_S", "10s"),
    ("DRAGOMAN_UPSTREAM_TOTAL_S", "nan"),
    ("DRAGOMAN_UPSTREAM_TOTAL_S", "1e999"),
    ("DRAGOMAN_DRAIN_S", ""),
    ("DRAGOMAN_EGRESS_PROXY", ""),
    ("DRAGOMAN_EGRESS_PROXY", "proxy.example:3128"),
    ("DRAGOMAN_EGRESS_PROXY", "https://proxy.example:3128"),
    ("DRAGOMAN_EGRESS_PROXY", "socks5://proxy.example:1080"),
    ("DRAGOMAN_EGRESS_PROXY", "http://proxy.example"),
    ("DRAGOMAN_SECRET_FILES", ""),
    ("DRAGOMAN_VAULT_ADDRESS", ""),
    ("DRAGOMAN_VAULT_ADDRESS", "vault.internal:8200"),
    ("DRAGOMAN_VAULT_ADDRESS", "https://me:word@vault.internal"),
    ("DRAGOMAN_VAULT_ADDRESS", "https://vault.internal?namespace=a"),
    ("DRAGOMAN_VAULT_TOKEN", ""),
    ("DRAGOMAN_VAULT_TOKEN", "hvs.token\n"),
    ("DRAGOMAN_VAULT_TOKEN", "hvs.tokén"),
    ("DRAGOMAN_VAULT_TOKEN_FILE", ""),
    ("DRAGOMAN_VAULT_NAMESPACE", ""),
    ("DRAGOMAN_VAULT_NAMESPACE", "a\r\nx-vault-token: b"),
    ("DRAGOMAN_GOOGLE_CREDENTIALS", ""),
    ("DRAGOMAN_GOOGLE_TOKEN_ENDPOINT", "http://oauth2.googleapis.com/token"),
    ("DRAGOMAN_GOOGLE_TOKEN_ENDPOINT", "oauth2.googleapis.com/token"),
    ("DRAGOMAN_EGRESS_ALLOW", "localhost"),
    ("DRAGOMAN_EGRESS_ALLOW", "10.0.0.1/8"),
    ("DRAGOMAN_EGRESS_ALLOW", "10.0.0.0/33"),
    ("DRAGOMAN_EGRESS_ALLOW", "10.0.0.0/8 192.168.0.0/16"),
    ("DRAGOMAN_EGRESS_ALLOW", "10.0.0.0/8,*"),
    ("DRAGOMAN_EGRESS_ALLOW", "10.0.0.0-10.0.0.9"),
]


class TestOrder:
    def test_without_anything_the_defaults_hold(self) -> None:
        assert load({}, {}) == Settings()

    def test_the_defaults_listen_on_this_machine_only_and_allow_nothing_more(self) -> None:
        assert (Settings().host, Settings().egress_allow) == ("127.0.0.1", ())

    @pytest.mark.parametrize("name", Settings.__struct_fields__)
    def test_every_setting_has_a_variable_that_stands_before_its_default(self, name: str) -> None:
        text, value = ANOTHER[name]
        settings = load({}, {f"DRAGOMAN_{name.upper()}": text})
        assert settings == msgspec.structs.replace(Settings(), **{name: value})
        assert settings != Settings()

    @pytest.mark.parametrize("name", Settings.__struct_fields__)
    def test_an_option_stands_before_its_variable(self, name: str) -> None:
        text, value = ANOTHER[name]
        lists = {
            "egress_allow": "10.0.0.0/8",
            "trace_hosts": "other.example",
            "credential_readers": "viewer",
        }
        option = text if name in lists else value
        default = lists.get(name, str(getattr(Settings(), name)))
        settings = load({name: option}, {f"DRAGOMAN_{name.upper()}": default})
        assert settings == msgspec.structs.replace(Settings(), **{name: value})

    def test_an_option_that_was_not_given_leaves_the_variable_alone(self) -> None:
        assert load({"port": None, "host": None}, {"DRAGOMAN_PORT": "9000"}).port == 9000

    def test_an_option_is_checked_like_a_variable(self) -> None:
        with pytest.raises(SettingsError, match=r"^DRAGOMAN_PORT: expected `int` <= 65535\.$"):
            load({"port": 65536}, {})

    def test_the_process_environment_is_read_where_no_other_is_given(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DRAGOMAN_PORT", "9001")
        assert load().port == 9001
        assert load({}, {}).port == 8080


class TestVariables:
    @pytest.mark.parametrize(
        "variable",
        [
            "DRAGOMAN_PORTS",
            "DRAGOMAN_DATADIR",
            "DRAGOMAN_DATA_DIR_",
            "DRAGOMAN_",
            "DRAGOMAN_KEK",
            "DRAGOMAN_API_KEYS",
            "DRAGOMAN_DATABASE_PATH",
            "DRAGOMAN___CLASS__",
        ],
    )
    def test_one_that_does_not_exist_is_refused_by_its_name(self, variable: str) -> None:
        with pytest.raises(SettingsError) as refused:
            load({}, {variable: "sk-plain-4f1d7c"})
        assert str(refused.value) == (
            f"{variable} is not a setting; docs/settings.md lists them all."
        )

    @pytest.mark.parametrize("variable", ["PORT", "dragoman_port", "XDRAGOMAN_PORT", "DRAGOMAN"])
    def test_one_of_another_program_does_not_matter(self, variable: str) -> None:
        assert load({}, {variable: "9000"}) == Settings()

    def test_those_of_our_clients_do_not_matter(self) -> None:
        assert sorted(CLIENT_VARIABLES) == ["DRAGOMAN_API_KEY", "DRAGOMAN_MOVE_TO", "DRAGOMAN_URL"]
        variables = dict.fromkeys(CLIENT_VARIABLES, "dgm_x")
        assert load({}, variables) == Settings()

    @pytest.mark.parametrize(
        ("variable", "text"), BAD, ids=[f"{variable}={text[:30]}" for variable, text in BAD]
    )
    def test_a_bad_value_is_refused_with_its_variables_name(self, variable: str, text: str) -> None:
        with pytest.raises(SettingsError, match=rf"^{variable}: .+\.$"):
            load({}, {variable: text})

    @pytest.mark.parametrize(
        "variable",
        [f"DRAGOMAN_{name.upper()}" for name in Settings.__struct_fields__ if name.endswith("_s")],
    )
    def test_no_deadline_is_without_end(self, variable: str) -> None:
        with pytest.raises(SettingsError, match=variable):
            load({}, {variable: "inf"})

    @pytest.mark.parametrize(
        ("text", "value"), [("true", True), ("1", True), ("false", False), ("0", False)]
    )
    def test_yes_and_no_have_two_spellings_each(self, text: str, *, value: bool) -> None:
        assert load({}, {"DRAGOMAN_PRODUCTION": text}).production is value


class TestDatabaseUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://ada:geheim@db.example:5432/dragoman?sslmode=require",
            "postgres://ada:ge%40heim@/dragoman?host=/run/postgresql",
            "postgresql:///dragoman",
        ],
    )
    def test_it_is_taken_as_it_is_and_never_shown(self, url: str) -> None:
        settings = load({}, {"DRAGOMAN_DATABASE_URL": url})
        assert settings.database_url == url
        assert "database_url=Ellipsis" in repr(settings)
        assert "heim" not in repr(settings)

    @pytest.mark.parametrize(
        "url", ["mysql://ada:geheim@db.example/x", "postgresql://ada:ge@heim@db.example/x"]
    )
    def test_one_that_is_refused_is_not_quoted(self, url: str) -> None:
        with pytest.raises(SettingsError) as refused:
            load({}, {"DRAGOMAN_DATABASE_URL": url})
        assert not any(part in str(refused.value) for part in ("ada", "heim", "db.example"))


class TestEgressProxy:
    def test_it_is_never_shown(self) -> None:
        url = "http://ada:geheim@proxy.example:3128"
        settings = load({}, {"DRAGOMAN_EGRESS_PROXY": url})
        assert settings.egress_proxy == url
        assert "egress_proxy=Ellipsis" in repr(settings)
        assert "heim" not in repr(settings)

    def test_one_that_is_refused_is_not_quoted(self) -> None:
        with pytest.raises(SettingsError) as refused:
            load({}, {"DRAGOMAN_EGRESS_PROXY": "http://ada:ge/heim@proxy.example:3128"})
        assert not any(part in str(refused.value) for part in ("ada", "heim", "proxy.example"))

    def test_without_one_none_is_shown(self) -> None:
        assert "database_url=None" in repr(Settings())
        assert "egress_proxy=None" in repr(Settings())


class TestVaultToken:
    def test_it_is_never_shown(self) -> None:
        settings = load({}, {"DRAGOMAN_VAULT_TOKEN": "hvs.geheim"})
        assert settings.vault_token == "hvs.geheim"
        assert "vault_token=Ellipsis" in repr(settings)
        assert "heim" not in repr(settings)

    def test_one_that_is_refused_is_not_quoted(self) -> None:
        with pytest.raises(SettingsError) as refused:
            load({}, {"DRAGOMAN_VAULT_TOKEN": "hvs.geheim\n"})
        assert "heim" not in str(refused.value)


class TestNetworks:
    @pytest.mark.parametrize(
        ("text", "networks"),
        [
            ("", ()),
            (" , ,", ()),
            ("127.0.0.0/8", ("127.0.0.0/8",)),
            ("10.1.2.3/32,::1/128", ("10.1.2.3/32", "::1/128")),
            (" 10.0.0.0/8 , fd00::/8, ", ("10.0.0.0/8", "fd00::/8")),
            ("192.168.1.7", ("192.168.1.7",)),
        ],
    )
    def test_networks_are_separated_by_commas(self, text: str, networks: tuple[str, ...]) -> None:
        assert load({}, {"DRAGOMAN_EGRESS_ALLOW": text}).egress_allow == networks

    @pytest.mark.parametrize("text", ["*", "*.example", "a.example", "10.0.0.1", " A.Example , * "])
    def test_hosts_are_named_by_name_or_suffix_or_all_at_once(self, text: str) -> None:
        hosts = tuple(part.strip().lower() for part in text.split(","))
        assert load({}, {"DRAGOMAN_TRACE_HOSTS": text}).trace_hosts == hosts

    @pytest.mark.parametrize(
        "text", ["https://a.example", "a.example:443", "*a.example", "a.*", "**", "a b", "*."]
    )
    def test_what_is_no_host_is_refused(self, text: str) -> None:
        with pytest.raises(SettingsError, match=r"^DRAGOMAN_TRACE_HOSTS: .* is not a host"):
            load({}, {"DRAGOMAN_TRACE_HOSTS": text})

    def test_one_bad_network_is_named_and_the_message_shows_good_ones(self) -> None:
        with pytest.raises(SettingsError) as refused:
            load({}, {"DRAGOMAN_EGRESS_ALLOW": "127.0.0.0/8,localhost"})
        assert str(refused.value) == (
            "DRAGOMAN_EGRESS_ALLOW: 'localhost' is not a network; write networks such as "
            "127.0.0.0/8 or 10.1.2.3/32, separated by commas."
        )


class TestPaths:
    def test_what_is_not_given_lies_in_the_data_directory(self) -> None:
        settings = load({"data_dir": "/srv/data"}, {})
        assert settings.data_path == Path("/srv/data")
        assert settings.database_path == Path("/srv/data/dragoman.db")
        assert settings.kek_path == Path("/srv/data/kek")

    def test_what_opens_or_shows_who_we_are_is_private(self) -> None:
        settings = Settings(
            data_dir="/srv/data",
            kek_file="/run/kek",
            vault_token_file="/run/token",
            google_credentials="/run/account.json",
        )
        names = ("/srv/data", "/run/kek", "/run/token", "/run/account.json")
        assert settings.private_paths == tuple(map(Path, names))

    def test_a_key_file_that_is_given_may_lie_elsewhere(self) -> None:
        settings = load({}, {"DRAGOMAN_KEK_FILE": "/run/secrets/kek"})
        assert settings.kek_path == Path("/run/secrets/kek")


def test_commands_that_call_a_server_have_variables_of_their_own() -> None:
    assert calling({}) == Calling(url="http://127.0.0.1:8080", api_key=None, colors=True)
    said = {"DRAGOMAN_URL": "https://llms.example", "DRAGOMAN_API_KEY": "dgm_x", "NO_COLOR": "1"}
    assert calling(said) == Calling(url="https://llms.example", api_key="dgm_x", colors=False)
    empty = dict.fromkeys(said, "") | {"TERM": "dumb"}
    assert calling(empty) == Calling(url="http://127.0.0.1:8080", api_key=None, colors=False)
