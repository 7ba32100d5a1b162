if not tea in cup:
    pass
if not tea is cup and not (leaf in cup):
    pass
ok = [x for x in y if not x in {1, 2}]
both = (not a in b) == (not c is d)
chain = not a in b in c
other = not a == b
two = not a in b and c
chains = (not a is b is c) or (not a in b == c)
inner = not (a in b in c) in d
