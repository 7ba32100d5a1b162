def brew(tea, cup):
    if tea is None:
        return None
    elif cup is not None and tea.leaf is None:
        pass
    while tea.next is not None:
        tea = tea.next
    if (tea is None or cup is None) and not cup is not None:
        pass
    if not tea is None:
        pass
    assert tea is not None, "no tea"
    if f(x == None) or y is None:  # the first is an argument
        pass
