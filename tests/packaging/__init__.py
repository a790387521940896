"""Checks of what users install: the wheel, the archive, the images and the compose file."""
