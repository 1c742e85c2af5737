"""Makes an avatar from a video or a portrait: `python -m essence_studio create`."""
