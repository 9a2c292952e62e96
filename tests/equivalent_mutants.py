"""The mutants of `mutation_check.py` that no result can show."""

# ruff: noqa: E501 (source lines as they stand)

# By the reason: file, function, source [change].
EQUIVALENT = {
    "a position without quantity has been left out before": """
        quiet.py arm: quantity > 0.0 [> -> >=]
        quiet.py steepest_slope: position.quantity < 0.0 [< -> <=]
        quiet.py glance: quantity > 0.0 [> -> >=]
        quiet.py pass_quiet_bars: quantity > 0.0 [> -> >=]
        calculators.py fill_liquidation_price: quantity[row] < 0.0 [< -> <=]
        trips.py add_fill: fill.position > 0.0 [> -> >=]
        segments.py after_segment: quantity > 0.0 [> -> >=]
        lanes.py is_quiet: quantity > 0.0 [> -> >=]
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
        margin.py ladder_of: quantity > 0.0 [> -> >=]
        orders.py plan_order: quantity * side < 0.0 [< -> <=]
        orders.py plan_order: change * side > 0.0 [> -> >=]
        orders.py increase_towards: quantity * side < 0.0 [< -> <=]
        orders.py increase_towards: opened * side > 0.0 [> -> >=]
        liquidation.py liquidate_position: remaining < 0.0 [< -> <=]
        accrual.py owes_interest: rules.settings.borrow_rate > 0.0 [> -> >=]
        accrual.py owes_interest: rules.settings.short_borrow_rate > 0.0 [> -> >=]
        policies.py step_down: position.closing > 0.0 [> -> >=]
        booking.py restate: settings.bankruptcy_fee > 0.0 [> -> >=]
        liquidation.py close_liquidated: bad_debt > 0.0 [> -> >=]
        walk.py survive_open: book.account.calls > 0 [> -> >=]
        walk.py survive_open: t > 0 [> -> >=]
    """,
    "the field is written again before it is read, or was 0 before": """
        walk.py set_trigger: position.trigger_point = NOT_ON_LEG [removed]
        booking.py empty_position: position.entry_price = 0.0 [removed]
        booking.py bar_position: position.due = 0 [removed]
    """,
    "where tiers meet, their lines do": """
        margin.py tier_at: notional >= tiers[ladder, k + 1].floor [>= -> >]
    """,
    "one more step from the root, or from where a level line ends, leads to the same point": """
        margin.py breach_point: slope < 0.0 [< -> <=]
        margin.py breach_point: following < point [< -> <=]
        margin.py breach_point: settled or point <= start [or -> and]
        margin.py breach_point: point <= start [<= -> <]
        policies.py restore: following > 0.0 [> -> >=]
    """,
    "a liquidation price of 0 is no nearer than none, and what has reached its tier has returned": """
        margin.py liquidation_price: following > 0.0 [> -> >=]
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
        quiet.py glance: position.maintenance_slope * close - position.deduction [- -> +]
        quiet.py glance: maintenance_worst - account.deductions [- -> +]
        quiet.py pass_quiet_bars: maintenance_slope * adverse - deduction [- -> +]
        quiet.py pass_quiet_bars: maintenance_slope * close - deduction [- -> +]
        loop.py walks_every_bar: rules.settings.skip_quiet_bars == 0 [== -> !=]
        loop.py replay: account.held <= 1 [<= -> <]
        loop.py replay_bar: kind > Change.LEVERAGE [> -> >=]
        loop.py replay_bar: account.busy = 0 [removed]
        loop.py replay_bar: account.calls > 0 [> -> >=]
        loop.py replay_bar: logs.counts[0] + logs.counts[3] [+ -> -]
        loop.py replay_bar: logs.counts[0] + logs.counts[3] [+ -> -] #2
        loop.py replay_bar: if rules.settings.inverse [negated]
        loop.py replay_bar: arm(market, book, rules, t, False) [removed] #2
        changes.py open_account: account.constant = settings.cash [removed]
        calls.py set_level: book.account.level = level [removed]
        calls.py end_call: book.account.calls -= 1 [removed]
        calls.py end_call: book.account.calls -= 1 [- -> +]
        changes.py note_stops: position.stop_loss < math.inf [< -> <=]
        changes.py note_stops: position.take_profit < math.inf [< -> <=]
        quiet.py arm: position.constant + level * deduction [+ -> -]
        quiet.py steepest_slope: size - position.maintenance_quantity * tiers[position.ladder, lowest].rate [- -> +]
        quiet.py steepest_slope: backed - position.fixed_maintenance >= -ROUNDING * size * position.entry_price [>= -> >]
        loop.py next_appointment: schedule.bar[change] + 1 [+ -> -]
        lanes.py replay_block: s += 1 if passing else 0 [+ -> -]
        lanes.py is_quiet: account.stops == 1 and (not (segment.trade_low > position.trade_floor and segment.trade_high < position.trade_ceiling)) [and -> or]
        lanes.py is_quiet: if rules.settings.inverse [negated]
        lanes.py is_quiet: arm(market, book, rules, segment.first, False) [removed]
    """,
    "a hair lies between this limit and the one that it guards": """
        quiet.py glance: worst > ruin_level(book, rules) [> -> >=]
        quiet.py is_funded: surplus > ROUNDING * (abs(constant) + 2.0 * notional) [> -> >=]
        quiet.py pass_quiet_bars: constant > ruin [> -> >=]
        quiet.py pass_quiet_bars: worst > ruin [> -> >=]
        lanes.py is_quiet: constant > ruin [> -> >=]
        lanes.py is_quiet: segment.low > position.mark_floor [> -> >=]
        lanes.py is_quiet: segment.high < position.mark_ceiling [< -> <=]
        lanes.py is_quiet: worst > ruin [> -> >=]
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
    "one bar has no length, and nothing is held in it": """
        liquidation.py clock: after > 0 [> -> >=]
    """,
    "counted from the end, the same row is found": """
        margin.py ladder_of: i + rules.contracts.shape[0] [+ -> -]
    """,
    "legs that balance are looked at in both directions": """
        closing.py failing_price: quantity < 0.0 [< -> <=]
        closing.py failing_price: last - first > 1 [> -> >=]
        closing.py failing_price: last - first [- -> +]
    """,
    "a fill trades something": """
        trips.py begin: fill.quantity < 0.0 [< -> <=]
        trips.py add_fill: fill.quantity > 0.0 [> -> >=]
    """,
    "what is equal is no deeper, and no shorter": """
        curves.py deepest: lowest < mark [< -> <=]
        curves.py mark_days: step < interval [< -> <=]
    """,
    "behind the last bar no segment is left, and bars that are not there have their lowest price at infinity": """
        segments.py fill_segments: t < bars [< -> <=]
        segments.py after_peaks: peak.trough < math.inf [< -> <=]
        segments.py after_peaks: tail < math.inf [< -> <=]
    """,
    "a side is 1 or -1": """
        segments.py find_peaks: side > 0.0 [> -> >=]
    """,
    "a bar in which nothing moves may be counted twice": """
        lanes.py pass_segment: end - segment.first > 1 [> -> >=]
        lanes.py pass_segment: end - segment.first [- -> +] #2
    """,
    "any reason but that of an open trip says that there is none": """
        lanes.py open_lane: OPEN + 1 [+ -> -]
    """,
    "where nothing was logged there is nothing to count": """
        lanes.py walk_segment: logs.counts[0] + logs.counts[2] + logs.counts[3] > 0 [> -> >=]
    """,
}
