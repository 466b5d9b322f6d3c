"""What things cost: ``python -m benchmarks NAME``.

A benchmark is a module with ``run(options) -> Result`` and, where it takes options,
``options(parser)``. It measures the subject and a floor (the least that the job could cost) in one
run, taking turns where it can, so that a slow or busy machine slows both; the ratio is the figure
to compare, absolute times only orient.
"""
