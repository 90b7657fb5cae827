"""Which of several engines acts: a Lease that one of them holds, and what each may conclude from it."""
