"""What to do next, printed when Antiphon is ready."""

from antiphon.supervisor.plan import Plan


def welcome(plan: Plan) -> list[str]:
    """Return the lines that show where to go, with commands that work as they stand."""
    return [f"API and documentation: {plan.url}/docs", "stop with Ctrl-C"]
