"""Checks of what users install: the wheel, the archive, the container images and the compose file."""
