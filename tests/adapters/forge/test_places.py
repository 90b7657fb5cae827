"""Which forge a repository is on, and where its API is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.adapters.forge import place_of
from tiphys.model.errors import SpecError


@pytest.mark.parametrize(
    ("repo", "named", "api", "path"),
    [
        ("https://github.com/example/charts.git", "", "https://api.github.com", "example/charts"),
        ("https://x:y@github.com/example/charts", "", "https://api.github.com", "example/charts"),
        ("git@github.com:example/charts.git", "", "https://api.github.com", "example/charts"),
        ("ssh://git@github.com:22/example/charts.git", "", "https://api.github.com", "example/charts"),
        ("https://example.ghe.com/team/charts", "", "https://api.example.ghe.com", "team/charts"),
        ("https://github.example.com/team/charts", "", "https://github.example.com/api/v3", "team/charts"),
        ("https://gitlab.com/a/b/c/charts.git", "", "https://gitlab.com/api/v4", "a/b/c/charts"),
        ("https://codeberg.org/ada/charts", "", "https://codeberg.org/api/v1", "ada/charts"),
        ("https://git.example.com/ada/charts", "forgejo", "https://git.example.com/api/v1", "ada/charts"),
        ("http://127.0.0.1:3000/ada/charts.git", "gitea", "http://127.0.0.1:3000/api/v1", "ada/charts"),
        ("https://example.com/gitea/ada/charts", "gitea", "https://example.com/gitea/api/v1", "ada/charts"),
        (
            "https://example.com/lab/a/b/charts",
            "gitlab=https://example.com/lab/",
            "https://example.com/lab/api/v4",
            "a/b/charts",
        ),
        ("ssh://git@a.example:22/ada/x", "gitea=http://a.example:3000", "http://a.example:3000/api/v1", "ada/x"),
        ("https://[::1]:3000/ada/charts", "gitea", "https://[::1]:3000/api/v1", "ada/charts"),
    ],
)  # fmt: skip
def test_the_url_tells(repo: str, named: str, api: str, path: str):
    place = place_of(repo, named, {})
    assert (place.api, place.path) == (api, path)


@pytest.mark.parametrize(
    ("environment", "kind", "root"),
    [
        ({"CI_SERVER_URL": "https://git.example.com"}, "gitlab", "https://git.example.com"),
        ({"GITHUB_SERVER_URL": "https://git.example.com"}, "github", "https://git.example.com"),
        (
            {"GITHUB_SERVER_URL": "https://git.example.com/", "GITEA_ACTIONS": "true"},
            "gitea",
            "https://git.example.com",
        ),
        ({"CI_SERVER_URL": "https://git.example.com/ada"}, "gitlab", "https://git.example.com/ada"),
    ],
)
def test_a_ci_tells_of_its_own_forge(environment: dict[str, str], kind: str, root: str):
    place = place_of("https://git.example.com/ada/team/charts", "", environment)
    assert (place.kind, place.root[: len(root)]) == (kind, root)


def test_a_ci_tells_nothing_of_another_host():
    with pytest.raises(SpecError, match="name it with --forge"):
        place_of("https://git.example.com/ada/charts", "", {"CI_SERVER_URL": "https://other.example.com"})


@pytest.mark.parametrize(
    ("repo", "named", "why"),
    [
        ("https://git.example.com/ada/charts", "", "name it with --forge"),
        ("https://git.example.com/ada/charts", "svn", "write one of github, gitlab"),
        ("https://git.example.com/ada/charts", "gitea=git.example.com", "write one of github, gitlab"),
        ("https://github.com/charts", "", "its URL ends in OWNER/NAME"),
        ("file:///srv/charts.git", "gitea", "its host does not tell"),
        ("https://169.254.169.254/a/b", "gitea", "is no repository"),
    ],
)
def test_what_is_wrong_is_said(repo: str, named: str, why: str):
    with pytest.raises(SpecError, match=why):
        place_of(repo, named, {})


@given(
    st.text() | st.from_regex(r"\A[a-z]{3,5}://[^/]{0,9}/[a-z/]{0,9}\Z"),
    st.sampled_from(["", "gitea", "gitlab"]),
)
def test_any_text_is_a_place_or_said_to_be_none(repo: str, named: str):
    try:
        place = place_of(repo, named, {})
    except SpecError:
        return
    assert "/" in place.path
    assert place.root.startswith(("http://", "https://"))
