"""
The services that an ApplicationSet's generators ask for repositories and pull requests.

One struct per service and question, since each service has its own words for the same thing.
"""

from msgspec import field

from tiphys.model.api.wire import FreeForm, Wire


class SecretRef(Wire, frozen=True, kw_only=True):
    """A key of a Secret."""

    secret_name: str
    key: str


class ConfigMapKeyRef(Wire, frozen=True, kw_only=True):
    """A key of a ConfigMap."""

    config_map_name: str
    key: str


class BasicAuth(Wire, frozen=True, kw_only=True):
    """A user name and where its password is."""

    username: str
    password_ref: SecretRef


class BearerToken(Wire, frozen=True, kw_only=True):
    """Where the token is."""

    token_ref: SecretRef


class GitHubOrganization(Wire, frozen=True, kw_only=True):
    """The repositories of an organization on GitHub."""

    organization: str
    api: str = ""
    token_ref: SecretRef | None = None
    app_secret_name: str = ""
    all_branches: bool = False
    exclude_archived_repos: bool = False


class GitLabGroup(Wire, frozen=True, kw_only=True):
    """The projects of a group on GitLab."""

    group: str
    include_subgroups: bool = False
    include_shared_projects: bool | None = None
    include_archived_repos: bool = False
    api: str = ""
    token_ref: SecretRef | None = None
    all_branches: bool = False
    insecure: bool = False
    ca_ref: ConfigMapKeyRef | None = None
    topic: str = ""


class GiteaOwner(Wire, frozen=True, kw_only=True):
    """The repositories of an owner on Gitea or Forgejo."""

    owner: str
    api: str
    token_ref: SecretRef | None = None
    all_branches: bool = False
    insecure: bool = False
    exclude_archived_repos: bool = False


class BitbucketOwner(Wire, frozen=True, kw_only=True):
    """The repositories of an owner on Bitbucket Cloud."""

    owner: str
    user: str
    app_password_ref: SecretRef
    all_branches: bool = False


class BitbucketServerProject(Wire, frozen=True, kw_only=True):
    """The repositories of a project on Bitbucket Server."""

    project: str
    api: str
    basic_auth: BasicAuth | None = None
    bearer_token: BearerToken | None = None
    all_branches: bool = False
    insecure: bool = False
    ca_ref: ConfigMapKeyRef | None = None


class AzureDevOpsProject(Wire, frozen=True, kw_only=True):
    """The repositories of a team project on Azure DevOps."""

    organization: str
    team_project: str
    access_token_ref: SecretRef
    api: str = ""
    all_branches: bool = False


class TagFilter(Wire, frozen=True, kw_only=True):
    """A tag that the repository carries."""

    key: str
    value: str = ""


class CodeCommitAccount(Wire, frozen=True, kw_only=True):
    """The repositories of an account on AWS CodeCommit."""

    region: str = ""
    role: str = ""
    tag_filters: tuple[TagFilter, ...] = ()
    all_branches: bool = False


class RepositoryFilter(Wire, frozen=True, kw_only=True):
    """What a repository must fulfil; patterns are regular expressions."""

    repository_match: str | None = None
    branch_match: str | None = None
    label_match: str | None = None
    paths_exist: tuple[str, ...] = ()
    paths_do_not_exist: tuple[str, ...] = ()


class SCMProviderGenerator(Wire, frozen=True, kw_only=True):
    """One set of parameters for each repository of an organization."""

    github: GitHubOrganization | None = None
    gitlab: GitLabGroup | None = None
    gitea: GiteaOwner | None = None
    bitbucket: BitbucketOwner | None = None
    bitbucket_server: BitbucketServerProject | None = None
    azure_dev_ops: AzureDevOpsProject | None = None
    aws_code_commit: CodeCommitAccount | None = None
    filters: tuple[RepositoryFilter, ...] = ()
    clone_protocol: str = ""
    requeue_after_seconds: int | None = None
    values: dict[str, str] = field(default_factory=dict)
    template: FreeForm | None = None


class GitHubRepository(Wire, frozen=True, kw_only=True):
    """The pull requests of a repository on GitHub."""

    owner: str
    repo: str
    api: str = ""
    token_ref: SecretRef | None = None
    app_secret_name: str = ""
    labels: tuple[str, ...] = ()


class GitLabProject(Wire, frozen=True, kw_only=True):
    """The merge requests of a project on GitLab."""

    project: str
    api: str = ""
    token_ref: SecretRef | None = None
    labels: tuple[str, ...] = ()
    pull_request_state: str = ""
    insecure: bool = False
    ca_ref: ConfigMapKeyRef | None = None


class GiteaRepository(Wire, frozen=True, kw_only=True):
    """The pull requests of a repository on Gitea or Forgejo."""

    owner: str
    repo: str
    api: str
    token_ref: SecretRef | None = None
    insecure: bool = False
    labels: tuple[str, ...] = ()


class BitbucketRepository(Wire, frozen=True, kw_only=True):
    """The pull requests of a repository on Bitbucket Cloud."""

    owner: str
    repo: str
    api: str = ""
    basic_auth: BasicAuth | None = None
    bearer_token: BearerToken | None = None


class BitbucketServerRepository(Wire, frozen=True, kw_only=True):
    """The pull requests of a repository on Bitbucket Server."""

    project: str
    repo: str
    api: str
    basic_auth: BasicAuth | None = None
    bearer_token: BearerToken | None = None
    insecure: bool = False
    ca_ref: ConfigMapKeyRef | None = None


class AzureDevOpsRepository(Wire, frozen=True, kw_only=True):
    """The pull requests of a repository on Azure DevOps."""

    organization: str
    project: str
    repo: str
    api: str = ""
    token_ref: SecretRef | None = None
    labels: tuple[str, ...] = ()


class PullRequestFilter(Wire, frozen=True, kw_only=True):
    """What a pull request must fulfil; patterns are regular expressions."""

    branch_match: str | None = None
    target_branch_match: str | None = None
    title_match: str | None = None


class PullRequestGenerator(Wire, frozen=True, kw_only=True):
    """One set of parameters for each open pull request of a repository."""

    github: GitHubRepository | None = None
    gitlab: GitLabProject | None = None
    gitea: GiteaRepository | None = None
    bitbucket: BitbucketRepository | None = None
    bitbucket_server: BitbucketServerRepository | None = None
    azuredevops: AzureDevOpsRepository | None = None
    filters: tuple[PullRequestFilter, ...] = ()
    continue_on_repo_not_found_error: bool = False
    requeue_after_seconds: int | None = None
    values: dict[str, str] = field(default_factory=dict)
    template: FreeForm | None = None
