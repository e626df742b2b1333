"""Jobs on a cluster of real processes while something breaks: every answer right, or a typed error in time.

    python -m faults --jobs 200 --seed 1 --report faults.md

`jobs.py` says what runs, the modules `process`, `spill`, `network` and `disk` what breaks, `trial.py` does one job with one
fault and judges it, `plan.py` draws them from the seed. A fault that cannot be proved to have struck counts for nothing.
"""
