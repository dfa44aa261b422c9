"""Which keywords of ``export`` go together, checked before anything is read."""

from __future__ import annotations

from tflottery.errors import UserError


def check(
    *,
    bundle: bool,
    compare: bool,
    frontier: bool,
    unit_costs: bool,
    budget: bool,
    structured: bool,
    compact: bool,
    dry_run: bool,
    has_place: bool,
    has_version: bool,
    has_sparsity: bool,
    has_formats: bool,
) -> None:
    """Makes sure that one thing is asked for, and nothing that has no meaning with it.

    Raises:
        UserError: it is not so; the line says what to leave out.
    """
    modes = {"--bundle": bundle, "--compare": compare, "--frontier": frontier,
             "--unit_costs": unit_costs, "--budget": budget}  # fmt: skip
    given = [mode for mode, is_given in modes.items() if is_given]
    if len(given) > 1:
        raise UserError(f"{given[0]} and {given[1]} are different things to do; give one.")
    if has_sparsity and not structured:
        raise UserError("--sparsity goes with --structured; bin/find_ticket prunes weights.")
    if dry_run and not budget:
        raise UserError("--dry_run goes with --budget, which may train for hours.")
    if budget and structured:
        raise UserError("--budget finds tickets of whole units itself; leave --structured out.")
    if compare and (compact or has_version):
        raise UserError("--compare publishes nothing; leave --compact and --version out.")
    if compare and has_formats:
        raise UserError("--compare measures every format that is installed; leave --format out.")
    is_published = compact or structured or has_version or has_formats
    if bundle and is_published:
        raise UserError(
            "--bundle shares a ticket as it is; only --ticket, --name, --output, --store and "
            "--data_dir go."
        )
    if frontier and is_published:
        raise UserError(
            "--frontier publishes nothing; only --ticket, --name, --output, --store and --data_dir "
            "go."
        )
    if unit_costs and (is_published or has_place):
        raise UserError("--unit_costs publishes nothing; only --ticket, --store and --data_dir go.")
