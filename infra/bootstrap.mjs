#!/usr/bin/env node
/**
 * Entry point of every command: installs and compiles what is missing, then runs the command. It has no dependencies,
 * since it installs them, and is plain JavaScript, since it must run to report that this Node.js is too old. Its own
 * messages go to stderr: stdout belongs to the command (`--json`).
 *
 *   start [--quick] | test [vitest arguments] | bench NAME ... | mtrl VERB ... | build | setup (only what is missing)
 * The command line runs in this process, from its compiled form (build.mjs), which is updated first. If the script is
 * started under the name `mtrl`, or with any other first word, all arguments go to `mtrl`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { missingPackages } from './installed-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const nodeVersionMin = [20, 19];
const verbs = ['start', 'test', 'bench', 'mtrl', 'build', 'setup'];

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    say(`SETUP_FAILED: ${error.message}`);
    process.exitCode = 1;
  },
);

async function main() {
  const { verb, args } = readCommand(process.argv);
  checkNode();
  await installPackages();
  // In an npm script the working directory is the project folder; the user's own is in INIT_CWD. The variable applies
  // only to the script that npm started, not to a descendant that inherited it.
  const isNpmScript = process.env.npm_lifecycle_event === verb && process.cwd() === root;
  const cwd = (isNpmScript && process.env.INIT_CWD) || process.cwd();

  const fileCount = await build(root);
  if (verb === 'build') return say(`${fileCount} files compiled into ${join(root, 'dist')}`);
  if (verb === 'setup') return makeServers();
  if (verb === 'start') return load('cli/start', args, cwd);
  if (verb === 'mtrl') return load('cli/main', args, cwd);
  // The TypeScript loader by URL: a bare `tsx` would be resolved from the user's folder.
  const tsx = pathToFileURL(join(modules, 'tsx', 'dist', 'loader.mjs')).href;
  if (verb === 'bench') return runNode(['--import', tsx, join(root, 'bench', 'main.ts'), ...args], cwd);
  const code = await makeServers();
  return code === 0 ? runNode([join(modules, 'vitest', 'vitest.mjs'), 'run', ...args], root) : code;
}

function readCommand([, script, ...words]) {
  const [first, ...rest] = words;
  const isMtrl = basename(script || '').startsWith('mtrl');
  return isMtrl || !verbs.includes(first) ? { verb: 'mtrl', args: words } : { verb: first, args: rest };
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [majorMin, minorMin] = nodeVersionMin;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  throw new Error(
    `this Node.js is too old\n  at    ${process.execPath}\n  found ${process.version}\n` +
      `  do    install Node ${nodeVersionMin.join('.')} or newer (https://nodejs.org)`,
  );
}

/** Installs the packages unless node_modules already matches the lock file, whoever installed it. */
async function installPackages() {
  const isInstalled = () => missingPackages(root).length === 0;
  if (isInstalled()) return;

  const unlock = await lock(join(root, '.mtrl', 'install.lock'));
  try {
    if (isInstalled()) return;
    say('installing packages (npm ci)');
    const startedMs = Date.now();
    // No install scripts: none is needed to run, and two would download hundreds of MB of GPU libraries.
    // Dev packages always: tests and benches are part of the project.
    const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--include=dev', '--include=optional'];
    const npm = process.env.npm_execpath;
    const code =
      npm && npm.endsWith('.js') && npm.includes('npm-cli')
        ? await run(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
        : await run('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
    if (code !== 0) {
      throw new Error(
        `the packages could not be installed\n  at    ${root}\n  found \`npm ci\` ended with exit code ${code}\n` +
          '  do    read its lines above; check the network or the npm registry setting, then try again',
      );
    }
    say(`packages installed in ${Math.round((Date.now() - startedMs) / 1000)} s`);
  } finally {
    unlock();
  }
}

/** Locks the installation: two first commands at once would each remove what the other installs. */
async function lock(folder) {
  mkdirSync(dirname(folder), { recursive: true });
  const pidFile = join(folder, 'pid');
  for (let waited = false; ; waited = true) {
    try {
      mkdirSync(folder);
      writeFileSync(pidFile, String(process.pid));
      return () => rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    // The folder exists a moment before the pid file: without a readable pid the holder counts as alive.
    const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0;
    if (pid > 0 && !isAlive(pid)) rmSync(folder, { recursive: true, force: true });
    else if (!waited) say('waiting for another process, which is installing the packages');
    await sleep(200);
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Provides the server programs before the tests: building them may take minutes, and tests have time limits. */
function makeServers() {
  return run(process.execPath, [compiled('infra/binaries/binaries')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
}

function compiled(program) {
  return join(root, 'dist', `${program}.js`);
}

/** Runs a compiled program in this process, as if Node had been started with it in `cwd`. Returns its exit code. */
async function load(program, args, cwd) {
  process.chdir(cwd);
  process.argv = [process.execPath, compiled(program), ...args];
  await import(pathToFileURL(compiled(program)).href);
  return process.exitCode;
}

function runNode(args, cwd) {
  return run(process.execPath, args, { cwd, stdio: 'inherit' });
}

/** Runs a child process and forwards signals to it. Returns its exit code as a shell would. */
function run(command, args, options) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, options);
    const forward = (signal) => {
      child.kill(signal);
    };
    // On Ctrl-C the terminal signals the whole group, including the child: this process only has to outlive it.
    const ignore = () => {};
    process.on('SIGINT', process.stdin.isTTY ? ignore : forward);
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, forward);
    child.once('error', failed);
    child.once('exit', (code, signal) => {
      done(signal ? 128 + (constants.signals[signal] || 0) : code);
    });
  });
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
