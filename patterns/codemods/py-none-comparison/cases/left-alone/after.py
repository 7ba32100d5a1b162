rows = query.filter(User.name == None)
mask = frame["x"] == None
both = (User.name == None) or None
if a == b == None:
    pass
if (mask == None).any():
    pass
call(x == None if y else z)
if None == a == b or a == None == b:
    pass
if x == (
    # why
    None
):
    pass
