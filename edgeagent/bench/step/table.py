"""The step benchmark's report for a terminal."""

from __future__ import annotations

from edgeagent.bench.stats import median
from edgeagent.bench.step.report import Spread, StepReport, VariantReport
from edgeagent.counts import counted

_NAMES = {
    "perceive_ms": "see", "encode_ms": "encode", "prefill_ms": "prefill", "ttft_ms": "first token", "decode_ms": "decode",
    "parse_ms": "parse", "capture_ms": "capture", "settle_ms": "settle", "judge_ms": "judge", "act_ms": "act",
    "record_ms": "record",
}  # fmt: skip


def table(report: StepReport) -> str:
    """All figures but the single samples."""
    machine = report.machine
    lines = [
        f"{report.model}: {report.how} of {report.session}, {counted(report.steps, 'step')}, {counted(report.repeats, 'time')}",
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB, {machine.system}, Linux {machine.kernel};"
        f" load average {report.load_average[0]:g} before, {report.load_average[1]:g} after",
    ]
    if max(report.load_average) > machine.cores + 1:  # one more: the benchmark itself
        lines.append("other work shared this machine: all times are too high")
    for variant in report.variants:
        lines += _variant(variant)
    if report.outside_ms:
        when = "as measured" if report.how == "live" else "as recorded then"
        lines += ["", f"outside the model, {when} (ms)", *_rows(report.outside_ms)]
    lines += ["", f"energy: {report.energy}"]
    lines += _prediction(report)
    for name, ratio in report.ratios.items():
        low, high = report.ratio_intervals[name]
        lines.append(f"{name} takes {ratio:.2f} times as long as fast (95%: {low:.2f} to {high:.2f}, {report.repeats} repeats)")
    for name, ratio in report.cpu_ratios.items():
        low, high = report.cpu_ratio_intervals[name]
        lines.append(f"{name} takes {ratio:.2f} times the processor time of fast (95%: {low:.2f} to {high:.2f})")
    for name, ratio in report.first_step_ratios.items():
        lines.append(f"first step: fast takes {ratio:.2f} times the processor time of {name}")
    return "\n".join(lines)


def _prediction(report: StepReport) -> list[str]:
    fast = next((variant for variant in report.variants if variant.variant == "fast"), None)
    if report.predicted_ms is None or fast is None:
        return []
    lines = [f"models fit predicts {_beside(report.predicted_ms, median(fast.totals_ms))}"]
    if report.predicted_cpu_ms is not None:
        measured_ms = sum(one.cpu_ms for one in report.samples if one.variant == "fast") / report.repeats
        lines.append(f"in processor time {_beside(report.predicted_cpu_ms, measured_ms)}")
    if report.prediction_doubt:
        lines.append(f"that prediction was {report.prediction_doubt}: run `edgeagent models fit` again while nothing else runs")
    return lines


def _beside(predicted_ms: float, measured_ms: float) -> str:
    off = predicted_ms / measured_ms - 1
    return f"{predicted_ms / 1000:.1f} s for these steps, measured {measured_ms / 1000:.1f} s: {off:+.0%}"


def _variant(variant: VariantReport) -> list[str]:
    lines = [
        "",
        f"{variant.variant:<14}{'p50':>10}{'p95':>10}  ms",
        *_rows({"step_ms": variant.step_ms, "processor_ms": variant.step_cpu_ms, **variant.phases_ms}),
    ]
    lines.append("  by step       " + " ".join(f"{value:.0f}" for value in variant.steps_ms))
    if variant.growth:
        growth = variant.growth
        lines.append(f"  growth        {growth.ms_per_step:+.1f} ms a step; last to early steps {growth.last_to_early:.2f}")
    lines.append(
        f"  tokens p50    prompt {variant.prompt_tokens.p50:.0f}, cached {variant.cached_tokens.p50:.0f}"
        f" ({variant.cached_share:.0%} of all), image {variant.image_tokens.p50:.0f}, written {variant.output_tokens.p50:.0f}"
    )
    lines.append(f"  memory        engine {variant.engine_peak_mb:.0f} MB, app {variant.app_peak_mb:.0f} MB")
    lines.append(f"  replies       {variant.parsed_share:.0%} were actions")
    if variant.energy_j:
        lines.append(f"  energy        {variant.energy_j.p50:.1f} J a step (p50)")
    return lines


def _rows(figures: dict[str, Spread]) -> list[str]:
    return [
        f"  {_NAMES.get(name, name.removesuffix('_ms')):<12}{_ms(figure.p50):>10}{_ms(figure.p95):>10}"
        for name, figure in figures.items()
    ]  # fmt: skip


def _ms(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
