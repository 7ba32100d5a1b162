import ast

value = ast.literal_eval(text)
model.eval()
frame.eval("a + b")
print("eval(text)")
evaluate(text)
