"""What Secrets say of repositories: who we are to the host of one."""
