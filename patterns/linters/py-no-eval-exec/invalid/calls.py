value = eval(text)  # expect: py-no-eval-exec
exec("x = 1", {})  # expect: py-no-eval-exec
call(eval(  # expect: py-no-eval-exec
    text
))
