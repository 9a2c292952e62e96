"""The mutants of `mutation_check.py` that no result can show."""

# By the reason: file, function, source [change].
EQUIVALENT = {
    "a position without quantity has been left out before": """
        quiet.py arm: quantity > 0.0 [> -> >=]
        quiet.py steepest_slope: position.quantity < 0.0 [< -> <=]
        quiet.py glance: quantity > 0.0 [> -> >=]
        quiet.py pass_quiet_bars: quantity > 0.0 [> -> >=]
    """,
    "what has nothing, owes nothing or wants nothing changes nothing": """
        orders.py is_ordered: t > 0 [> -> >=]
        liquidation.py liquidate_account: wallet < 0.0 [< -> <=]
        booking.py book_shortfall: account.wallet < 0.0 [< -> <=]
        accrual.py settle_funding: position.quantity != 0.0 and is_present(market, t, i) [and -> or]
        accrual.py charge_interest: account.held > 0 [> -> >=]
        walk.py walk: book.account.held > 0 [> -> >=]
        quiet.py glance: account.held > 0 [> -> >=]
        orders.py trade: first < last [< -> <=]
        closing.py margin_ratio: book.account.held > 0 [> -> >=]
        closing.py note_detail: account.held > 0 [> -> >=]
    """,
    "the field is written again before it is read, or was 0 before": """
        walk.py set_trigger: position.trigger_point = NOT_ON_LEG [removed]
        booking.py empty_position: position.entry_price = 0.0 [removed]
        booking.py bar_position: position.due = 0 [removed]
    """,
    "where tiers meet, their lines do": """
    """,
    "one more step from the root, or from where a level line ends, leads to the same point": """
        margin.py breach_point: slope < 0.0 [< -> <=]
        margin.py breach_point: following < point [< -> <=]
        margin.py breach_point: settled or point <= start [or -> and]
        margin.py breach_point: point <= start [<= -> <]
    """,
    "a liquidation price of 0 is no nearer than none, and what has reached its tier has returned": """
    """,
    "looking again finds nothing where nothing has changed": """
        walk.py survive_open: exits and (not is_isolated(rules)) [and -> or]
    """,
    "increases are cut to the wallet, and a cross account that increases holds something": """
        orders.py fill_increases: book_shortfall(book, rules) [removed]
    """,
    "more bars are walked, or more closes looked at, than need be": """
        quiet.py arm: position.mark_ceiling = ceiling [removed]
        quiet.py arm: min(stop, profit) [min -> max]
        quiet.py arm: position.trade_ceiling = max(stop, profit) [removed]
        quiet.py arm: max(stop, profit) [max -> min]
        quiet.py steepest_slope: is_isolated(rules) or book.account.held == 1 [or -> and]
        quiet.py glance: position.requirement * close - position.deduction [- -> +]
        quiet.py glance: maintenance_worst - account.deductions [- -> +]
        quiet.py pass_quiet_bars: requirement * adverse - deduction [- -> +]
        quiet.py pass_quiet_bars: requirement * close - deduction [- -> +]
        loop.py replay: rules.settings.skip_quiet_bars == 0 [== -> !=]
        loop.py replay: account.held <= 1 [<= -> <]
        loop.py replay: account.busy = 0 [removed]
    """,
    "a hair lies between this limit and the one that it guards": """
        quiet.py glance: worst > ruin_level(book, rules) [> -> >=]
        quiet.py is_funded: surplus > ROUNDING * (abs(constant) + 2.0 * notional) [> -> >=]
    """,
    "the path of one position has its lowest equity where its worst price is": """
        quiet.py glance: account.held > 1 [> -> >=]
    """,
    "something / 0 is infinite too, and at a close what is held has a balance above 0": """
        closing.py effective_leverage: equity > 0.0 [> -> >=]
        closing.py margin_ratio: balance > 0.0 [> -> >=]
        closing.py margin_ratio: balance > 0.0 [> -> >=] #2
    """,
    "counted from the end, the position held is found as well": """
        quiet.py pass_quiet_bars: i += 1 [+ -> -]
    """,
}
