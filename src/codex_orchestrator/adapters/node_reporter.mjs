// A reporter for `node --test`: what became of each test, line by line, in the format of
// test_runner.py. Node loads it from the command line, beside the reporter for people.
import path from 'node:path';

const line = (value) => JSON.stringify(value) + '\n';

function outcomeOf(event) {
  const { skip, todo } = event.data;
  if (skip !== undefined || todo !== undefined) return 'skipped';
  return event.type === 'test:pass' ? 'passed' : 'failed';
}

export default async function* report(source) {
  yield line({ schema: 'test-report.v1' });
  const open = [];
  const numbers = new Map();
  for await (const event of source) {
    const { name, nesting, file, details } = event.data;
    if (event.type === 'test:start') open[nesting] = name;
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const place = file ? path.relative(process.cwd(), file) : '';
    const outcome = outcomeOf(event);
    // A suite is no test, and neither is a file; both may fail. A file that passes by itself ended
    // before its tests, or has none.
    const isFile = nesting === 0 && (name === file || path.resolve(name) === file);
    if (details?.type === 'suite' && outcome !== 'failed') continue;
    const names = isFile ? [] : [...open.slice(0, nesting), name];
    const counted = isFile ? { passed: 'skipped', failed: 'broken' }[outcome] ?? outcome : outcome;
    const test = [place, ...names].join(' > ');
    const number = (numbers.get(test) ?? 0) + 1;
    numbers.set(test, number);
    yield line({ test: number > 1 ? `${test} #${number}` : test, outcome: counted });
  }
  yield line({ end: true });
}
