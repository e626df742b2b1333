"""Records `cases_expected.json` from Apache Spark; run against a real Spark only.

    SPURWHEEL_REMOTE=sc://127.0.0.1:15102 python python/tests/record_cases.py [PREFIX]

With a prefix only the cases whose name starts with it are recorded again. Prints the cases that
Spark itself refuses; such a case is wrong and must be mended, so nothing is written for it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import cases
from conftest import end_session, new_session

FILE = Path(__file__).parent / "cases_expected.json"


def main(prefix: str) -> int:
    known = json.loads(FILE.read_text()) if FILE.is_file() else {"allowed": {}, "cases": {}}
    recorded, failed = {}, 0
    for name, case in cases.all_cases().items():
        if not name.startswith(prefix) and name in known["cases"]:
            recorded[name] = known["cases"][name]
            continue
        session = new_session(os.environ["SPURWHEEL_REMOTE"])
        try:
            recorded[name] = cases.run(case, session)
        except Exception as error:  # noqa: BLE001  reported, with the case's name
            failed += 1
            print(f"{name}: {str(error).strip()[:300]!r}", flush=True)
        end_session(session)
    FILE.write_text(json.dumps({"allowed": known["allowed"], "cases": recorded}, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(recorded)} recorded, {failed} refused by Spark")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
