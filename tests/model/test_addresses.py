"""How addresses are told, and which ones nobody is sent to."""

import pytest

from tiphys.model.addresses import folder_of, host_of, off_limits, shown


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://git.example/charts.git", "https://git.example/charts.git"),
        ("https://ada:secret@git.example/charts.git", "https://git.example/charts.git"),
        ("https://token@git.example:8443/a?key=secret#secret", "https://git.example:8443/a"),
        ("https://a:b@c@git.example/x@y", "https://git.example/x@y"),
        ("http://ada:se/cret@git.example/a", "http://git.example/a"),
        ("http://[fe80::1]:80/a@b", "http://[fe80::1]:80/a@b"),
        ("http://git.example:80/a@b", "http://git.example:80/a@b"),
        ("git@git.example:charts.git", "git@git.example:charts.git"),
        ("", ""),
    ],
)
def test_a_url_is_told_without_credentials(url: str, told: str):
    assert shown(url) == told


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "fe80::1",
        "[fe80::1%eth0]",
        "::ffff:169.254.0.1",
        "fd00:ec2::254",
        "100.100.100.200",
    ],
)
def test_link_local_and_metadata_addresses_are_off_limits(host: str):
    assert off_limits(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "::1", "git.example", "", "169.254"])
def test_all_others_are_not(host: str):
    assert not off_limits(host)


def test_the_host_of_a_url():
    assert host_of("https://ada:secret@Git.example:8443/a") == "git.example"
    assert host_of("http://[fe80::1]/a") == "fe80::1"
    assert host_of("file:///srv/a.git") == host_of("http://[") == ""


def test_a_folder_is_named_so_that_people_know_it_and_credentials_tell_it_apart():
    open_to_all, secret = (
        folder_of("https://git.example/a/charts.git"),
        folder_of("https://x:y@git.example/a/charts.git"),
    )
    assert open_to_all.endswith("-git-example-a-charts-git")
    assert open_to_all != secret
    assert "y@" not in secret
    assert folder_of("https://x/../../etc").count("/") == 0
