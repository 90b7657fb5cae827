"""
The whole engine in simulated time, on a cluster in memory, through everything that can go wrong.

``python -m simulation 17`` (in ``tests``, with ``PYTHONHASHSEED=0``) plays seed 17 again, telling what happens.
"""
