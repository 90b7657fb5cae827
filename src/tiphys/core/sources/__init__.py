"""
From a source to what its render reads: the tool, the folders, the value files, the parameters, the key.

Nothing is read here; the stories read and ask again.
"""
