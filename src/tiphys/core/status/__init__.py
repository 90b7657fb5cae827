"""What is found becomes ``status``, in the words that Argo CD writes, and the patch that brings it there."""
