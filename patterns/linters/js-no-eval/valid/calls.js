const a = JSON.parse(text);
const b = model.eval();
const c = "eval(text)";
