"""Releases: where a values file names its images, and how it comes to name others while every other byte stays."""
