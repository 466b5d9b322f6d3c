"""``redis:`` and ``rediss:``: wakes as taskiq tasks in Redis streams, signals, shared rate limits.

One file per noun: ``address`` reads the URL, ``connection`` opens it, ``lanes`` names the keys and
writes wakes as taskiq does, ``broker`` is taskiq's stream broker with what its own lacks,
``consumer`` runs taskiq's receiver in our process, ``later`` holds wakes that are not due,
``signals`` and ``rates`` are the two capabilities beside the queue. taskiq itself, 20 MB, is
imported where wakes are consumed.

Weak spots: Redis Cluster and Sentinel are not supported. A wake that is poked while Redis is away
is lost, and so is what a flushed or restarted Redis held: sweeps find that work. A stream keeps
its newest 100,000 wakes. Every process hears every signal and picks its own.
"""

from __future__ import annotations

from .opening import open_taskiq_queue

__all__ = ["open_taskiq_queue"]
