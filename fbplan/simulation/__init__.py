"""The chooser without a store: a month of writes played in virtual time, or one write asked about.

Pure: schedule and policy in, a `Simulation` out. It decides with `fbplan.runtime`, never with a copy of it.
"""
