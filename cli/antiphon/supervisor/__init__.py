"""A small process supervisor: one thread, standard library only, so that it stays light."""
