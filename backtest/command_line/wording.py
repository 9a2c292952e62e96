"""The rules of a venue in words."""

from backtest.figures_in_words import count, money, spoken
from backtest.terms.facts_in_words import COSTS, rates_in_words
from backtest.terms.venues import MarginCall, Venue

__all__ = ["costs", "figure_in_words", "rules", "summary"]


def rules(venue: Venue) -> dict[str, str]:
    """Return what a venue does, a sentence or two for each of its rules, by what they are about."""
    said = {
        "contract": _contract(venue),
        "requirement": _requirement(venue),
        "breach": _breach(venue),
        "call": _call(venue),
        "closes": _closes(venue),
        "cross": _order(venue),
        "rest": _leaves(venue),
        "costs": costs(venue),
        "funding": _funding(venue),
        "insurance": "" if venue.insurance_fund is None else f"a fund of {money(venue.insurance_fund)}",
    }
    return {name: sentence for name, sentence in said.items() if sentence}


def summary(venue: Venue) -> str:
    """Return what a breach does, in one sentence."""
    call = "" if venue.call is None else "a margin call, then liquidation; "
    return f"{call}{_breach(venue)} closes {_closes(venue)}; {_leaves(venue)}"


def costs(venue: Venue) -> str:
    """Return the rates that are not 0."""
    return rates_in_words(venue.model_dump(include=set(COSTS)))


def figure_in_words(value: object) -> str:
    """Return a setting's value as a table of figures prints it."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, MarginCall):
        return ", ".join(f"{spoken(name)} {figure_in_words(each)}" for name, each in value)
    if isinstance(value, dict):
        return ", ".join(f"{symbol} {figure_in_words(each)}" for symbol, each in value.items()) or "none"
    return str(value)


def _contract(venue: Venue) -> str:
    kind = "linear: quantities in base units, money in quote"
    if venue.contract == "inverse":
        kind = "inverse: quantities in quote units, money in the coin"
    figures = {"contracts of": venue.multiplier, "lots of": venue.lot_size, "at least": venue.minimum_notional}
    plain = {"contracts of": 1.0}
    said = [
        f"{name} {'their own by symbol' if isinstance(figure, dict) else f'{figure:g}'}"
        for name, figure in figures.items()
        if figure != plain.get(name, 0.0)
    ]
    return "; ".join([kind, *said])


def _requirement(venue: Venue) -> str:
    at = {
        "mark": "of the notional at the mark price",
        "entry": "of the notional at the entry price",
        "net": "of the net notional of a symbol's two legs, at the mark price (cross)",
    }[venue.maintenance_on]
    fee = ""
    if venue.fee_in_maintenance:
        rate = f"{venue.fee_in_maintenance:g}"
        at_bankruptcy = venue.fee_in_maintenance_at == "bankruptcy"
        fee = f", plus {rate} of the notional at the bankruptcy price" if at_bankruptcy else f", each rate plus {rate}"
    return f"the tiers' rates {at}{fee}"


def _breach(venue: Venue) -> str:
    return {"at": "at the requirement or below", "below": "below the requirement"}[venue.breach]


def _call(venue: Venue) -> str:
    call = venue.call
    if call is None:
        return ""
    reached = {"at": "at or below", "below": "below"}[venue.breach]
    if call.grace == 0:
        return f"{reached} {_times(call.level)} the requirement, answered by liquidation at once"
    answer = "no deposit"
    if call.deposit == "reserve":
        answer = f"a deposit from the reserve up to {_times(venue.target_ratio or 1.0)}"
    bars = "1 bar" if call.grace == 1 else f"{call.grace} bars"
    early = f"; closed at once below {_times(call.close_below)}"
    return f"{reached} {_times(call.level)} the requirement, {bars} of grace, {answer}{early}"


def _closes(venue: Venue) -> str:
    closed = {
        "full": "the whole position",
        "step_down": "down to the floor of the tier, and on where that does not cure it; in the first tier all",
        "share": f"{venue.liquidation_share or 1.0:g} of a position",
        "restore": f"as much as brings the balance to {_times(venue.target_ratio or 1.0)} the requirement",
    }[venue.liquidation]
    if venue.liquidation == "share" and (venue.liquidation_floor or venue.cooldown):
        large = f" whose notional is above {count(venue.liquidation_floor)}" if venue.liquidation_floor else ""
        late = f", {venue.cooldown:g} s or more after the last such close" if venue.cooldown else ""
        closed += f"{large}{late}, else all of it"
    if venue.backstop:
        closed += f"; below {venue.backstop:.3g} of the requirement everything, and nothing is left"
    return closed


def _order(venue: Venue) -> str:
    return {
        "everything": "all positions of a cross account are closed alike",
        "largest_loss": "the position with the largest loss goes first",
        "largest_maintenance": "the position with the largest requirement goes first",
    }[venue.liquidation_order]


def _leaves(venue: Venue) -> str:
    return {
        "return": "what is left returns to the wallet",
        "forfeit": "what is left of an isolated margin is forfeited",
    }[venue.residual]


def _funding(venue: Venue) -> str:
    return {
        "margin": "isolated: from the position's margin",
        "wallet": "isolated: from the wallet as far as it goes, then from the position's margin",
    }[venue.funding_from]


def _times(ratio: float) -> str:
    return f"{ratio:g}x"
