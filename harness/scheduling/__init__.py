"""What is done next, and where: processes share a store and need no other word from each other."""

from harness.scheduling.cost import estimate_seconds
from harness.scheduling.scheduler import Demand, Scheduler, describe

__all__ = ["Demand", "Scheduler", "describe", "estimate_seconds"]
