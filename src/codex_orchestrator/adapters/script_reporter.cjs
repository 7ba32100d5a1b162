// A reporter for jest, vitest and mocha: what became of each test, line by line, in the format of
// test_runner.py. Each of them makes it with arguments of its own and calls the methods that it
// knows. The report's path is in a variable, which the code under test does not see.
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const VARIABLE = 'CODEX_ORCHESTRATOR_REPORT';

class Reporter {
  constructor(runner, options) {
    this.handle = fs.openSync(process.env[VARIABLE], 'ax', 0o600);
    delete process.env[VARIABLE];
    this.numbers = new Map();
    this.write({ schema: 'test-report.v1' });
    if (typeof runner?.on === 'function') this.listen(runner, options);
  }

  write(line) {
    fs.writeSync(this.handle, JSON.stringify(line) + '\n');
  }

  // Tests of one file, one place and one title are told apart by their number.
  result(file, titles, outcome) {
    const place = file ? path.relative(process.cwd(), file) : '';
    const name = [place, ...titles].filter(Boolean).join(' > ');
    const number = (this.numbers.get(name) ?? 0) + 1;
    this.numbers.set(name, number);
    this.write({ test: number > 1 ? `${name} #${number}` : name, outcome });
  }

  end() {
    this.write({ end: true });
  }

  // mocha
  listen(runner, options) {
    const { reporters } = createRequire(fs.realpathSync(process.argv[1]))('mocha');
    this.forPeople = new reporters.Spec(runner, options);
    // A dry run says of every test that it passed.
    const passed = runner._opts?.dryRun || options?.dryRun ? 'skipped' : 'passed';
    for (const [event, outcome] of [['pass', passed], ['fail', 'failed'], ['pending', 'skipped']]) {
      runner.on(event, (test) => {
        // A hook is no test.
        const became = test.type === 'test' ? outcome : 'broken';
        this.result(test.file ?? test.parent?.file, test.titlePath(), became);
      });
    }
    runner.on('end', () => this.end());
  }

  // jest
  onTestResult(_test, { testFilePath, testResults, testExecError, failureMessage }) {
    let hasFailed = false;
    for (const { ancestorTitles, title, status, failing } of testResults) {
      hasFailed ||= status === 'failed';
      // A test that failed as it was expected to is shown as passed.
      const expected = status === 'passed' && !failing ? 'passed' : 'skipped';
      const outcome = status === 'failed' ? 'failed' : expected;
      this.result(testFilePath, [...ancestorTitles, title], outcome);
    }
    if (!hasFailed && (testExecError || failureMessage)) this.result(testFilePath, [], 'broken');
  }

  onRunComplete(_contexts, { runExecError, wasInterrupted }) {
    if (runExecError) this.result('', ['the run'], 'broken');
    if (!wasInterrupted) this.end();
  }

  // vitest: results that were read from files are not of this run.
  onInit(vitest) {
    this.isOfOtherRun = Boolean(vitest?.config?.mergeReports);
  }

  // vitest, since version 3
  onTestRunEnd(modules, errors, reason) {
    this.onFinished(modules.map((module) => module.task), errors, reason);
  }

  // vitest, before; version 3 calls both
  onFinished(files, errors, reason) {
    if (this.isFinished) return;
    this.isFinished = true;
    for (const file of files) {
      // A check of types runs no test, whatever it says of them.
      this.task(file, file.filepath, file.meta?.typecheck ? ['types'] : []);
    }
    // A setting lets vitest end well in spite of them.
    for (const error of errors ?? []) {
      this.result('', ['unhandled error', String(error?.message ?? error).split('\n', 1)[0]], 'broken');
    }
    if (reason !== 'interrupted' && !this.isOfOtherRun) this.end();
  }

  task({ type, mode, result, tasks, fails }, file, titles) {
    const isFailure = result?.state === 'fail';
    if (type !== 'suite') {
      const isLeftOut = mode === 'skip' || mode === 'todo' || result?.state === 'skip';
      const hasPassed = result?.state === 'pass' && !fails;
      // One that has no result was cut off.
      const isExpected = isLeftOut || (result?.state === 'pass' && fails);
      const other = isExpected ? 'skipped' : 'failed';
      this.result(file, titles, hasPassed && !isLeftOut ? 'passed' : other);
      return isFailure;
    }
    let hasFailed = false;
    for (const task of tasks ?? []) {
      hasFailed = this.task(task, file, [...titles, task.name]) || hasFailed;
    }
    if (isFailure && !hasFailed) this.result(file, titles, 'broken');
    return isFailure;
  }
}

module.exports = Reporter;
