// Loaded into each Node process of a check: it writes down which source files are loaded from
// outside the work tree, and one of those inside. Files are seen when they are read, and scripts
// and modules again when the process ends: import reads with functions of its own.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { syncBuiltinESMExports } = require('node:module');
const { fileURLToPath } = require('node:url');

const FILE = process.env.CODEX_ORCHESTRATOR_LOADED;
// The work tree, and the folders of its packages by their names.
const { tree, packages } = JSON.parse(process.env.CODEX_ORCHESTRATOR_CODE || '{}');
const SOURCE = /\.[cm]?[jt]sx?$/;
const INSTALLED = /^.*[/]node_modules[/]((?:@[^/]+[/])?[^/]+)[/]/;
const seen = new Set();
const { appendFileSync } = fs;
const realpath = fs.realpathSync.native;
let isTreeWritten = false;

function take(name) {
  if (name instanceof URL) name = name.href;
  if (typeof name !== 'string' || seen.has(name)) return;
  seen.add(name);
  let file = name;
  try {
    if (name.startsWith('file:')) file = fileURLToPath(name);
    if (!SOURCE.test(file)) return;
    file = realpath(file);
  } catch {
    // There is no such file: nothing was loaded.
    return;
  }
  if (file !== name && seen.has(file)) return;
  seen.add(file);
  const [, installed] = INSTALLED.exec(file) || [];
  const instead = (installed && packages[installed]) || '';
  if (path.dirname(file) === __dirname || (installed && !instead)) return;
  if (!installed && file.startsWith(tree + path.sep)) {
    if (isTreeWritten) return;
    isTreeWritten = true;
  }
  appendFileSync(FILE, JSON.stringify({ loaded: file, instead }) + '\n');
}

function watch(owner, name) {
  const read = owner[name];
  owner[name] = function (file, ...rest) {
    take(file);
    return read.call(this, file, ...rest);
  };
}

function takeLoaded() {
  Object.keys(require.cache).forEach(take);
  const { Session } = require('node:inspector');
  const session = new Session();
  try {
    session.connect();
  } catch (error) {
    // The process that only starts those that run tests has no inspector.
    if (process.execArgv.includes('--test')) return;
    throw error;
  }
  session.on('Debugger.scriptParsed', ({ params }) => take(params.url));
  session.post('Debugger.enable');
  session.disconnect();
}

if (FILE && tree) {
  watch(fs, 'readFile');
  watch(fs, 'readFileSync');
  watch(fs.promises, 'readFile');
  syncBuiltinESMExports();
  process.on('exit', takeLoaded);
}
