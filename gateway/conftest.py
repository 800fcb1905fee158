"""Undo what pytest does to a package whose outer folder has the same name.

Importing by file, pytest takes this folder for a package `gateway` and hides the installed one.
"""

import importlib
import sys

if getattr(sys.modules.get("gateway"), "__file__", None) is None:
    sys.modules.pop("gateway", None)
    importlib.import_module("gateway")
