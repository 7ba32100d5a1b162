const a = eval(text); // expect: js-no-eval
const b = new Function("x", "return x"); // expect: js-no-eval
