"""What operators measure of the bus and the jobs; Prometheus is imported only where it is on."""

from common.metrics.observer import Observer, observe_with, observer
from common.metrics.start import start_job_metrics, start_metrics

__all__ = ["Observer", "observe_with", "observer", "start_job_metrics", "start_metrics"]
