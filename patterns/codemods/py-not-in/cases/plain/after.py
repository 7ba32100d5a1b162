if tea not in cup:
    pass
if tea is not cup and not (leaf in cup):
    pass
ok = [x for x in y if x not in {1, 2}]
both = (a not in b) == (c is not d)
chain = not a in b in c
other = not a == b
two = a not in b and c
chains = (not a is b is c) or (not a in b == c)
inner = (a in b in c) not in d
