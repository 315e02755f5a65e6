"""What tests do with an opened page."""

WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 390, "height": 844}


def names(tab):
    """The runs of the table, as they are seen, from top to bottom."""
    rows = tab.locator("#table tbody:not([hidden]) tr:not(.group):not([hidden]) th")
    return rows.all_inner_texts()


def typed(tab, query):
    tab.locator("#filter").fill(query)
    return names(tab)
