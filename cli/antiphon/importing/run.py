"""Importing many files: some threads send, the main thread follows what the server makes of it."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from antiphon.client.api import AntiphonClient
from antiphon.client.errors import (
    ApiError,
    ClientError,
    LoginError,
    ServerBusyError,
    ServerUnreachableError,
)
from antiphon.client.multipart import SourceError
from antiphon.client.resources import Upload
from antiphon.importing.display import Display
from antiphon.importing.report import Outcome, Report, Result
from antiphon.importing.transfer import hash_file, send

_UNFINISHED_A_LOOK = 8
_POLL_SECONDS = 0.5
_JOIN_SECONDS = 3.0
# After these no other file would fare better.
_FATAL = (ServerUnreachableError, LoginError)


class StoppedError(Exception):
    """The import is over; raised in the threads that send, wherever they are."""


def wait_unless_stopped(stop: threading.Event) -> Callable[[float], None]:
    """Return a sleep that ends with StoppedError as soon as the import does."""

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError

    return wait


@dataclass(slots=True, eq=False)
class _Sent:
    path: Path
    upload: Upload
    known: bool


class Import:
    """One run of `antiphon import`; nothing of it is kept: what is done is the server's to say."""

    def __init__(
        self,
        client: AntiphonClient,
        files: Sequence[Path],
        display: Display,
        *,
        stop: threading.Event,
        jobs: int = 4,
        patience_seconds: float = 900.0,
    ) -> None:
        self._client, self._display, self._patience = client, display, patience_seconds
        self._stop = stop
        self._waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for path in files:
            self._waiting.put(path)
        self._sent: queue.SimpleQueue[_Sent | Result | ClientError] = queue.SimpleQueue()
        self._following: deque[_Sent] = deque()
        self._files = list(files)
        self._report = Report()
        self._threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(min(jobs, len(files)))
        ]

    def run(self) -> Report:
        """Send all files and follow them to their end; Ctrl-C ends it early with a full report."""
        try:
            for thread in self._threads:
                thread.start()
            self._follow()
        except KeyboardInterrupt:
            self._report.interrupted = True
        except _FATAL as error:
            self._report.lost = str(error)
        finally:
            self._end()
        return self._report

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                path = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._sent.put(_Sent(path, *send(self._client, path, self)))
            except StoppedError:
                return
            except _FATAL as error:
                self._sent.put(error)
                return
            except (SourceError, ClientError) as error:
                self._sent.put(Result(path, Outcome.FAILED, str(error)))

    def hashing(self, path: Path, done: int) -> None:
        """Show progress; StoppedError when the import is over."""
        self._check()
        self._display.hashing(path, done)

    def uploading(self, path: Path, done: int) -> None:
        """Show progress; StoppedError when the import is over."""
        self._check()
        self._display.uploading(path, done)

    def _check(self) -> None:
        if self._stop.is_set():
            raise StoppedError

    def _follow(self) -> None:
        heard = time.monotonic()
        while len(self._report.results) < len(self._files):
            changed = self._collect()
            changed |= self._look()
            if changed:
                heard = time.monotonic()
            elif not self._uploading() and time.monotonic() - heard > self._patience:
                return

    def _uploading(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _collect(self) -> bool:
        """Take what the threads have finished, waiting a moment for the first."""
        changed, wait = False, _POLL_SECONDS
        while True:
            try:
                item = self._sent.get(timeout=wait) if wait else self._sent.get_nowait()
            except queue.Empty:
                return changed
            changed, wait = True, 0.0
            if isinstance(item, ClientError):
                raise item
            if isinstance(item, Result):
                self._settle(item)
            else:
                self._following.append(item)
                self._judge(item)

    def _look(self) -> bool:
        """Ask after the oldest files until some are unfinished: the server takes them in order."""
        changed, unfinished = False, 0
        for sent in list(self._following):
            if unfinished == _UNFINISHED_A_LOOK:
                break
            try:
                upload = self._client.get_upload(sent.upload.id)
            except ServerBusyError:
                return changed
            except ApiError as error:
                self._following.remove(sent)
                self._settle(Result(sent.path, Outcome.FAILED, str(error)))
                continue
            changed |= upload.status != sent.upload.status
            sent.upload = upload
            self._judge(sent)
            unfinished += not upload.is_finished
        return changed

    def _judge(self, sent: _Sent) -> None:
        upload = sent.upload
        if not upload.is_finished:
            self._display.processing(sent.path, upload.status)
            return
        self._following.remove(sent)
        if upload.status == "failed":
            result = Result(sent.path, Outcome.FAILED, upload.failure or "no reason given")
        else:
            outcome = Outcome.ALREADY_THERE if sent.known else Outcome.PUBLISHED
            result = Result(sent.path, outcome, track_id=upload.track_id)
        self._settle(result)

    def _settle(self, result: Result) -> None:
        self._report.results[result.path] = result
        self._display.settled(result)

    def _end(self) -> None:
        """Stop the threads and account for every file that has no end yet."""
        self._stop.set()
        deadline = time.monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._take_rest()
        on_server = {sent.path for sent in self._following}
        for path in self._files:
            if path not in self._report.results:
                outcome = Outcome.IN_PROGRESS if path in on_server else Outcome.NOT_SENT
                self._report.results[path] = Result(path, outcome)

    def _take_rest(self) -> None:
        while not self._sent.empty():
            item = self._sent.get()
            if isinstance(item, _Sent):
                self._following.append(item)
            elif isinstance(item, Result):
                self._report.results[item.path] = item


def look_only(client: AntiphonClient, files: Sequence[Path], display: Display) -> Report:
    """Hash all files and ask the server which it has; nothing is sent."""
    report = Report()
    for path in files:
        try:
            sha256 = hash_file(path, partial(display.hashing, path))
            known = client.find_upload(sha256)
            outcome = Outcome.ALREADY_THERE if known and known.is_welcome else Outcome.NEW
            result = Result(path, outcome)
        except SourceError as error:
            result = Result(path, Outcome.FAILED, str(error))
        report.results[path] = result
        display.settled(result)
    return report
