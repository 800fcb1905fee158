import pytest

from media.models import Asset, Upload, UploadStatus


def test_stages_are_listed_in_order_with_their_times() -> None:
    upload = Upload(given={})
    for stage in (UploadStatus.RECEIVED, UploadStatus.DESCRIBED, UploadStatus.FAILED):
        upload.finish(stage, "why" if stage == UploadStatus.FAILED else None)
    assert list(upload.stages) == ["received", "described", "failed"]
    assert (upload.status, upload.failure) == ("failed", "why")


def test_a_restart_forgets_the_failure() -> None:
    upload = Upload(given={})
    upload.finish(UploadStatus.FAILED, "why")
    upload.restart()
    assert list(upload.stages) == ["received"]
    assert (upload.status, upload.failure) == ("received", None)


@pytest.mark.parametrize(("state", "attempt"), [("described", None), ("ready", None)])
def test_an_asset_without_a_served_attempt_is_not_ready(state: str, attempt: int | None) -> None:
    assert not Asset(state=state, attempt=attempt).is_ready
    assert Asset(state="ready", attempt=1).is_ready
