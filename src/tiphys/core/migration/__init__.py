"""From Argo CD to Tiphys and back: whose turn it is, and what each application may expect."""
