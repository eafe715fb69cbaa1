"""The sections of docs/performance.md, each from the figures of one part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from contestants import LOOP, MAKERS, OURS, PRODUCTS, PUBLISHED_LOOP
from goals import (
    MIB,
    PUBLISHED_OPERATIONS,
    Figures,
    costs,
    find_product,
    flatness,
    format_spread,
    list_goals,
    over_inference,
    overhead_ms,
    rate,
    share,
)
from rounds import ratio

Section = Callable[[Figures], str]
MAX_OTHER_CORES = 0.1  # busy with other work
KINDS = {
    "grey": "grey, 8 bits",
    "alpha": "colour and alpha, 8 bits",
    "deep": "colour, 16 bits",
}


def format_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def at_a_glance(parts: dict[str, Figures | None]) -> str:
    words = {True: "yes", False: "no", None: "-"}
    rows = [
        (goal.what, goal.wanted, goal.found or "not measured here", words[goal.reached])
        for goal in list_goals(parts)
    ]
    return format_table(["what", "goal", "measured", "reached"], rows)


def surroundings(parts: dict[str, Figures | None]) -> str:
    about = {name: part["about"] for name, part in parts.items() if part}
    if not about:
        return "Nothing was measured."
    first = next(iter(about.values()))
    host = first["machine"]
    flags = ", ".join(f"{name}: {'yes' if has else 'no'}" for name, has in host["flags"].items())
    versions = ", ".join(f"{name} {number}" for name, number in host["versions"].items())
    rows = [
        (
            name,
            each["when"],
            each["took_seconds"],
            each["threads"],
            each.get("cores_of_others", "unknown"),
        )
        for name, each in about.items()
    ]
    text = [
        (
            f"{host['processor']} ({host['family']}), {host['cores']} cores, "
            f"{host['memory_gib']} GiB; {host['system']}."
        ),
        f"{flags}.",
        f"{versions}.",
    ]
    when = format_table(
        ["part", "when", "seconds", "cores used", "cores busy with other work"], rows
    )
    if any(each["machine"] != host for each in about.values()):
        text.append("**The parts were measured on different machines or versions.**")
    if any(each.get("cores_of_others", 1) > MAX_OTHER_CORES for each in about.values()):
        text.append("**The machine was busy with other work: times and ratios are uncertain.**")
    if any(each["quick"] for each in about.values()):
        text.append("**A smoke test on tiny inputs: these figures say nothing.**")
    return "\n\n".join([*text, when])


def engines(engine: Figures) -> str:
    seconds, side = engine["seconds"]["engines"], engine["side"]
    best = find_product(engine)
    rows = [
        _engine_row(engine, name)
        for name in MAKERS
        if name in (*seconds, *engine["skipped"]) and (name not in PRODUCTS or name == best)
    ]
    head = [
        "engine",
        "ms",
        "GFLOP/s",
        "of the product",
        "speed-up over the loop",
        "speed-up of ours",
    ]
    return "\n\n".join(
        [
            (
                f"A photograph of {side}x{side} to x4, {engine['rounds']} rounds: medians, with "
                "the quartiles of the ratios in brackets. GFLOP/s are nominal: "
                f"{engine['operations_per_pixel'] / 1000:g} kFLOP per pixel of the result "
                f"({PUBLISHED_OPERATIONS / 1000:g} for three channels, the form in which SRCNN "
                "was published), regardless of what an engine actually computes."
            ),
            format_table([*head, "difference from the graph"], rows),
            (
                f"The matrix product is fp32, 2048x2048x2048, by {best.rpartition(' ')[2]}, the "
                "faster one here. The last column compares rounded results with those of the "
                "exported graph: the largest difference in levels, and how many values in a "
                "million differ."
            ),
            "![Rates of the engines](images/performance-engine.png)",
        ]
    )


def _engine_row(engine: Figures, name: str) -> list[str]:
    seconds = engine["seconds"]["engines"]
    if name in engine["skipped"]:
        return [name, engine["skipped"][name], *[""] * 5]
    row = [name, f"{median(seconds[name]) * 1000:.0f}", f"{rate(engine, name):.0f}"]
    if name in PRODUCTS:
        return [*row, "100 %", "", "", ""]
    difference = engine["differences"].get(name)
    return [
        *row,
        f"{share(engine, name)[0] * 100:.0f} %",
        format_spread(ratio(seconds[LOOP], seconds[name])) if name != LOOP else "1",
        format_spread(ratio(seconds[name], seconds[OURS])) if name != OURS else "",
        f"{difference['levels']}, {difference['share'] * 1e6:.0f}" if difference else "",
    ]


def factors(figures: Figures) -> str:
    measured = {name: each for name, each in figures["seconds"].items() if name.startswith("x")}
    measured["x4"] = figures["seconds"]["engines"]
    rows = [
        (
            name,
            *(f"{median(each[engine]) * 1000:.0f}" for engine in (PUBLISHED_LOOP, LOOP, OURS)),
            *(format_spread(ratio(each[loop], each[OURS])) for loop in (PUBLISHED_LOOP, LOOP)),
        )
        for name, each in measured.items()
    ]
    loops = (PUBLISHED_LOOP, LOOP)
    head = [f"{name}, ms" for name in (*loops, OURS)]
    return format_table(["factor", *head, *(f"{OURS}, against {name}" for name in loops)], rows)


def kinds(engine: Figures) -> str:
    colour, measured = engine["seconds"]["engines"][OURS], engine["seconds"]["kinds"]
    rows = [("colour, 8 bits", f"{median(colour) * 1000:.0f}", "1")]
    for kind, name in KINDS.items():
        each = measured[kind]
        rows.append((name, f"{median(each) * 1000:.0f}", format_spread(ratio(each, colour))))
    return format_table(["picture, to x4", "ours, ms", "relative to colour"], rows)


def sizes(part: Figures) -> str:
    rows = [
        (f"{megapixels:.2f}", shape, f"{cost * 1000:.0f}")
        for shape, megapixels, cost in costs(part, OURS)
    ]
    return "\n\n".join(
        [
            (
                f"The most expensive megapixel costs {flatness(part, OURS):.2f} times as much as "
                f"the cheapest. For the tutorial's loop the ratio is {flatness(part, LOOP):.2f}, "
                f"measured up to {part['loop_most_megapixels']} megapixels, beyond which it needs "
                "too much memory."
            ),
            "![Cost of a megapixel by size](images/performance-sizes.png)",
            format_table(["megapixels", "shape", "ours, ms per megapixel"], rows),
        ]
    )


def memory(part: Figures) -> str:
    rows = [
        (
            name,
            f"{case['pixels'] / MIB:.0f}",
            f"{case['baseline'] / MIB:.0f}",
            f"{case['beyond'] / MIB:.0f}",
            f"{(case['baseline'] + case['beyond']) / MIB:.0f}",
        )
        for name, case in part["cases"].items()
    ]
    head = ["result", "picture and result", "baseline", "more at the peak", "both"]
    held = part["batch"]["held"]
    return "\n\n".join(
        [
            (
                "MiB resident, each case in a process of its own. `Baseline` is the process after "
                "it upscaled one tiny picture; `both` is all memory beyond picture and result."
            ),
            format_table(head, rows),
            f"A batch of {held[-1][0]} pictures of mixed sizes and factors: "
            + ", ".join(f"{size / MIB:.0f} MiB after {done}" for done, size in held)
            + f"; {part['batch']['peak'] / MIB:.0f} MiB at the peak.",
            "![Resident memory over a batch](images/performance-memory.png)",
        ]
    )


def job(part: Figures) -> str:
    rows = []
    for name in ("photographs", "thumbnails"):
        each, rounds = part[name], part[name]["rounds"]
        middle = {key: median(one[key] for one in rounds) for key in rounds[0]}
        rows.append(
            (
                f"{each['count']:,} {name} to x{each['scale']:g}, {each['megapixels']:.0f} Mpx",
                *(f"{middle[key]:.1f}" for key in ("run", "inference", "decoding", "encoding")),
                f"{middle['process'] - middle['run']:.1f}",
                f"{median(over_inference(each)):.2f}",
                f"{median(overhead_ms(each)):.2f}",
            )
        )
    head = ["folder", "run", "inference", "decoding", "encoding", "start and end"]
    ratios = ["run over inference", "ms per image beyond inference and encoding"]
    return format_table([*(head[:1] + [f"{name}, s" for name in head[1:]]), *ratios], rows)
