"""Every table of the README, one after another.

python -m benchmarks.fit             everything (the speed laws are fitted again: minutes)
python -m benchmarks.fit --quick     without fitting and without timing
"""

import sys

from benchmarks.fit import choices, counts, logs, memory, ranking, sizes, speed, verdicts


def main() -> None:
    quick = "--quick" in sys.argv
    parts = [("sizes", sizes.main), ("parameters", counts.main), ("memory", memory.main)]
    parts += [("logs", logs.main), ("verdicts", verdicts.main), ("choices", choices.main)]
    if not quick:
        parts += [("speed", lambda: speed.main(False)), ("ranking", ranking.main)]
    for name, part in parts:
        print(f"\n## {name}\n")
        part()


if __name__ == "__main__":
    main()
