"""From rendered objects to an application's targets: what counts, where it goes, and whose it is."""
