"""One input of the gate under atheris: python fuzz.py TARGET SECONDS FOLDER

Ends with another status than 0 at the first finding, whose input lies in FOLDER afterwards.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# Only what reads bytes is watched: watching the libraries as well makes each run ten times slower.
with atheris.instrument_imports(include=["firmward.hospital", "firmward.terms", "firmward.proof"]):
    from tests.hostile import TARGETS

SLOWEST_S = 20
LONGEST = 1 << 20


def main() -> None:
    """Start from good examples, and go on for so long."""
    name, seconds, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    target, corpus = TARGETS[name], folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for at, good in enumerate(target.corpus()):
        (corpus / f"good-{at}").write_bytes(good)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={SLOWEST_S}",
        f"-max_len={LONGEST}",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
