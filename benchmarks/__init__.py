"""What a call costs in Dragoman, beside nginx and TensorZero. `scripts/bench` runs it.

`conversation` is what is asked and answered; `upstream` is who answers. A `contestant` stands
between it and the load (`load`, `wrk`), which checks every answer. `measures` says what is
measured, `rounds` in which order, and a `session` does it. `figures` is what came out; `report`,
`page` and `plot` show it. `machine` gives each side its core.
"""
