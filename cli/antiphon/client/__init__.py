"""A small typed client of Antiphon's public REST API; `api.AntiphonClient` is the way in."""
