"""Points in time as people type them: an ISO 8601 time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

_AGE = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (48 * 3600, 3600, "h"))
_DAY = 24 * 3600


def parse_time(text: str, now: datetime) -> datetime:
    """Read `2026-11-24T09:30:00Z` or `2h` (before now); without a zone it is UTC. Or ValueError."""
    if _AGE.fullmatch(text.strip().lower().removeprefix("-")) and text.strip().startswith("-"):
        raise ValueError(f"Write {text.strip()[1:]!r}, without the minus: ages lie in the past.")
    age = _AGE.fullmatch(text.strip().lower())
    try:
        if age:
            return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time: write it as 2026-11-24T09:30:00Z, or as an age such as 45s, "
            "30m, 2h, 7d."
        ) from None


def format_age(seconds: float) -> str:
    """Return a duration in its largest fitting unit, such as `34 s` or `2.5 h`."""
    for below, unit, name in _STEPS:
        if seconds < below:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / _DAY:.3g} d"


def format_time(moment: datetime | None) -> str:
    """Return a time in UTC to the second (RFC 3339), or `-`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else "-"
