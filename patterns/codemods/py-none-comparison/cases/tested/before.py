def brew(tea, cup):
    if tea == None:
        return None
    elif cup != None and tea.leaf == None:
        pass
    while None != tea.next:
        tea = tea.next
    if (tea == None or cup==None) and not cup != None:
        pass
    if not tea == None:
        pass
    assert tea != None, "no tea"
    if f(x == None) or y == None:  # the first is an argument
        pass
