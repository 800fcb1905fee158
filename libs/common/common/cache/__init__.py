"""Ready-made bytes in Redis under generations: a commit raises one and voids what is older."""

from common.cache.cache import Cache, invalidate

__all__ = ["Cache", "invalidate"]
