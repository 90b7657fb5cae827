"""What ``tiphys trace`` and ``--wait`` share: commits found in Applications, how far they are, and following them."""
