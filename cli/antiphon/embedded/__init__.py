"""Antiphon on one machine without containers: what `antiphon up` prepares and then runs."""
