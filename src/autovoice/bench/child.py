"""Measures one job in this process and prints its row as JSON: python -m autovoice.bench.child JOB SOURCE TARGET."""

import json
import sys
from pathlib import Path

from autovoice.bench.jobs import Job
from autovoice.bench.measures import measure
from autovoice.errors import AutovoiceError


def main() -> int:
    job, source, target = sys.argv[1:]
    try:
        print(json.dumps(measure(Job(**json.loads(job)), Path(source), Path(target))))
    except AutovoiceError as error:
        print(error.sentence, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
