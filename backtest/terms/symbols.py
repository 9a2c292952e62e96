"""Symbols of contracts, matched however base and quote are written."""

import difflib
import re
from collections.abc import Collection, Iterable

__all__ = ["ANY", "base_of", "canonical_symbol", "listed_name", "nearest_symbol", "twins"]

ANY = "*"
"""In a table by symbol: every symbol that it does not name."""


def canonical_symbol(symbol: str) -> str:
    """Return base, quote and expiry in capitals without separators.

    "BTC/USDT:USDT" and "btc-usdt-swap" are "BTCUSDT", "BTC/USDT:USDT-261225" and "BTCUSDT_261225" "BTCUSDT261225".
    """
    pair, _, settled = symbol.upper().partition(":")
    pair = re.sub(r"[-_./ ]?(PERP|SWAP|PERPETUAL|P)$", "", pair) if re.search(r"[-_./ ]\w+$", pair) else pair
    return re.sub(r"[\W_]", "", pair + settled.partition("-")[2])


def base_of(symbol: str) -> str:
    """Return the coin of a canonical symbol: "1000SHIBUSDT" -> "SHIB", "XBTUSD" -> "BTC", "BTCUSD261225" -> "BTC"."""
    base = re.sub(r"(?<=.)(FDUSD|USD[TC]?)(\d{6})?$", "", symbol)
    base = re.sub(r"^(10{3,}|1M)(?=.)", "", base)
    return {"XBT": "BTC"}.get(base, base)


def listed_name(symbol: str, listed: Collection[str]) -> str | None:
    """Return the name under which a table by symbol lists a symbol, "*" where it stands for the rest, or None."""
    if symbol in listed:
        return symbol
    wanted = canonical_symbol(symbol)
    found = next((name for name in listed if name != ANY and canonical_symbol(name) == wanted), None)
    return ANY if found is None and ANY in listed else found


def twins(listed: Iterable[str]) -> tuple[str, str] | None:
    """Return two names of one symbol, None where there are none."""
    seen: dict[str, str] = {}
    for name in listed:
        other = seen.setdefault(canonical_symbol(name), name)
        if other != name:
            return other, name
    return None


def nearest_symbol(wanted: str, listed: Iterable[str]) -> str:
    """Return the canonical symbol that is written most alike, among those of the same coin if there are any."""
    names = [canonical_symbol(name) for name in listed]
    same = [name for name in names if base_of(name) == base_of(wanted)]
    return difflib.get_close_matches(wanted, same or names, n=1, cutoff=0.0)[0]
