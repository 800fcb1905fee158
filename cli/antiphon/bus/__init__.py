"""Looking after the bus and the jobs: what waits, what failed, what to do about it."""
