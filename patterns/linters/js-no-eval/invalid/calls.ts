const a: number = eval(text); // expect: js-no-eval-ts
