"""The nouns: frozen values and the error tree. Imports nothing of ours."""
