"""What is wrong, or will be, though nothing has failed yet: words that nobody knows, wishes without effect."""
