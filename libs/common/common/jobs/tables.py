"""The job table, in the schema of each service that has jobs."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table

from common.db import Id, LongText, UtcDateTime, new_metadata

metadata = new_metadata()

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    # The name of the Celery task.
    Column("kind", String(100), nullable=False),
    # What the job is about: the same key is the same job.
    Column("key", String(200), nullable=False, unique=True),
    Column("payload", JSON, nullable=False),
    # queued, running, done, dead, cancelling (its service has not ended yet what it was for) or
    # cancelled
    Column("state", String(10), nullable=False),
    # Raised at each start; a worker whose number is no longer this one is fenced off.
    Column("attempt", Integer, nullable=False, default=0),
    # How many of the attempts ended because their process was told to stop.
    Column("interruptions", Integer, nullable=False, server_default="0"),
    # When to send a queued job (again), or when a running one counts as abandoned.
    Column("due_at", UtcDateTime, nullable=False),
    # Until when a job that failed pauses: a copy of its last message may come at once.
    Column("not_before", UtcDateTime),
    Column("last_error", LongText),
    # Of the request or event that caused it (W3C Trace Context).
    Column("traceparent", String(55)),
    Column("tracestate", String(512)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index("ix_job_state_due_at", "state", "due_at"),
)
