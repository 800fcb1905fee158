"""Application Auto Scaling as moto has it, and tags."""

import json
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse as Response

_tags: dict[str, dict[str, str]] = {}


def fill() -> None:
    """Let targets be tagged."""
    register = Response.register_scalable_target

    def register_scalable_target(self: Response) -> str:
        answer: str = register(self)
        _tags.setdefault(json.loads(answer)["ScalableTargetARN"], {}).update(_given(self))
        return answer

    Response.register_scalable_target = register_scalable_target
    Response.list_tags_for_resource = _list
    Response.tag_resource = _tag
    Response.untag_resource = _untag


def _given(response: Any) -> dict[str, str]:
    return dict(response._get_param("Tags") or {})


def _list(self: Any) -> str:
    return json.dumps({"Tags": _tags.get(self._get_param("ResourceARN"), {})})


def _tag(self: Any) -> str:
    _tags.setdefault(self._get_param("ResourceARN"), {}).update(_given(self))
    return "{}"


def _untag(self: Any) -> str:
    for key in self._get_param("TagKeys"):
        _tags.get(self._get_param("ResourceARN"), {}).pop(key, None)
    return "{}"
