"""The judgement for people: what blocks and why, from which clause, and what would help."""

from typing import get_args

from firmward.hospital.gate.judge import Judgement, short
from firmward.hospital.gate.known import moment
from firmward.hospital.gate.rulings import Ruling, Word


def explain(judgement: Judgement) -> str:
    """The judgement as text: what stands in the way in full, warnings and exceptions in a line."""
    counted = judgement.words()
    whom = f" for {judgement.device_class}" if judgement.device_class else ""
    lines = [
        f"{judgement.release} of {judgement.vendor}{whom}: "
        f"{'admitted' if judgement.admitted else 'REFUSED'} at {moment(judgement.at)}",
        f"image sha256 {judgement.image_sha256}",
        f"policy sha256 {judgement.policy_sha256}: "
        + ", ".join(source.name for source in (*judgement.packs, *judgement.overlays)),
        ", ".join(f"{counted.get(word, 0)} {word}" for word in get_args(Word)),
    ]
    if judgement.weighed:
        lines.append(judgement.weighed)
    for answer in judgement.blocking:
        lines += ["", *_explained(answer)]
    if judgement.warnings:
        lines.append("")
    for answer in judgement.warnings:
        lines.append(
            f"WARNS until {answer.binds_from}: {answer.rule} {answer.title}: {short(answer)}"
        )
    for answer in judgement.rulings:
        if answer.exception:
            lines.append(f"EXCEPTED by {answer.exception}: {answer.rule} {answer.title}")
    return "\n".join(lines) + "\n"


def _explained(answer: Ruling) -> list[str]:
    waivable = "waivable" if answer.waivable else "cannot be waived"
    lines = [
        f"{answer.word.upper()} {answer.rule} ({answer.severity}, {waivable}): {answer.title}",
        f"  asked by   {'; '.join(answer.sources)} [{answer.basis}; {answer.pack}]",
        f"  because    {answer.reason}",
    ]
    for seen in answer.seen:
        source = seen.source_digest or "the hospital's own records"
        signer = f", signed by {seen.signer}" if seen.signer else ""
        lines.append(f"  saw        {seen.path} = {seen.value} ({seen.trust}, {source}{signer})")
    if answer.offenders:
        lines.append(f"  offenders  {', '.join(answer.offenders)}")
    return [*lines, f"  remedy     {answer.remedy}"]
