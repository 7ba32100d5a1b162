try:
    brew()
except:  # expect: py-no-bare-except
    pass

try:
    brew()
except ValueError:
    pass
except :  # expect: py-no-bare-except
    log()
