try:
    brew()
except ValueError:
    pass
except Exception:
    log()

try:
    brew()
except:
    clean_up()
    raise

try:
    brew()
except:  # ast-grep-ignore: py-no-bare-except
    pass

text = "except:"
