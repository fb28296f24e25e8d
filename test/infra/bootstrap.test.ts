import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../core/project.ts';

/** A lock file of packages by version. */
function lockOf(versions: Readonly<Record<string, string>>): string {
  const entries = Object.entries(versions).map(([name, version]) => [`node_modules/${name}`, { version }]);
  return JSON.stringify({ packages: Object.fromEntries(entries) as object });
}

/** A project with the real bootstrap, an `mtrl` that prints how it was called, and a recorder in place of npm. */
describe('bootstrap', () => {
  let root: string;
  let elsewhere: string;
  const lockFile = () => join(root, 'package-lock.json');
  const installedFile = () => join(root, 'node_modules', '.package-lock.json');
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'mtrl-bootstrap-')));
    elsewhere = join(root, 'elsewhere');
    for (const folder of ['infra', 'cli', 'node_modules', 'elsewhere', 'npm-cli']) mkdirSync(join(root, folder));
    for (const name of ['bootstrap.mjs', 'build.mjs', 'installed-packages.mjs'])
      cpSync(join(projectRoot, 'infra', name), join(root, 'infra', name));
    symlinkSync(join(projectRoot, 'node_modules', 'amaro'), join(root, 'node_modules', 'amaro'));
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    writeFileSync(lockFile(), '{}');
    writeFileSync(installedFile(), '{}');
    writeFileSync(
      join(root, 'cli', 'main.ts'),
      `const args: string[] = process.argv.slice(2);
       process.on('SIGTERM', () => process.exit(7));
       console.log(JSON.stringify({ args, cwd: process.cwd() }));
       if (args[0] === 'wait') setInterval(() => {}, 1000);
       else process.exitCode = Number(args[0] ?? 0) || 0;`,
    );
    writeFileSync(
      join(root, 'npm-cli', 'npm-cli.js'),
      `import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
       console.log('npm speaks');
       writeFileSync('npm-args.json', JSON.stringify(process.argv.slice(2)));
       const { packages = {} } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
       for (const path of Object.keys(packages)) mkdirSync(path, { recursive: true });
       writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }));
       process.exitCode = Number(process.env.NPM_EXIT ?? 0);`,
    );
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  function start(args: string[], { cwd = elsewhere, env = {} }: { cwd?: string; env?: Record<string, string> } = {}) {
    const clean = {
      ...process.env,
      npm_execpath: join(root, 'npm-cli', 'npm-cli.js'),
      npm_lifecycle_event: '',
      INIT_CWD: '',
    };
    return spawn(process.execPath, [join(root, 'infra', 'bootstrap.mjs'), ...args], { cwd, env: { ...clean, ...env } });
  }

  async function run(...how: Parameters<typeof start>) {
    const child = start(...how);
    const exited = once(child, 'exit') as Promise<[number | null]>;
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    return { stdout, stderr, code };
  }

  it('passes arguments, exit code and working folder to mtrl, and prints nothing itself', async () => {
    const result = await run(['mtrl', '3', '--json']);
    expect(result).toEqual({
      stdout: `${JSON.stringify({ args: ['3', '--json'], cwd: elsewhere })}\n`,
      stderr: '',
      code: 3,
    });
    expect(JSON.parse((await run(['doctor'])).stdout)).toEqual({ args: ['doctor'], cwd: elsewhere });
  });

  it("takes the user's folder from npm only in the script that npm started", async () => {
    const env = { npm_lifecycle_event: 'mtrl', INIT_CWD: elsewhere };
    expect(JSON.parse((await run(['mtrl'], { cwd: root, env })).stdout)).toMatchObject({ cwd: elsewhere });
    const nested = { npm_lifecycle_event: 'test', INIT_CWD: elsewhere };
    expect(JSON.parse((await run(['mtrl'], { cwd: root, env: nested })).stdout)).toMatchObject({ cwd: root });
  });

  it('forwards signals', async () => {
    const child = start(['mtrl', 'wait']);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  it('installs once when the lock file has changed, and keeps stdout clean', async () => {
    writeFileSync(lockFile(), lockOf({ a: '2.0.0' }));
    const first = await run(['mtrl']);
    expect(JSON.parse(first.stdout)).toMatchObject({ args: [] });
    expect(first.stderr).toContain('npm speaks');
    expect(JSON.parse(readFileSync(join(root, 'npm-args.json'), 'utf8'))).toEqual(
      expect.arrayContaining(['ci', '--no-audit', '--no-fund', '--ignore-scripts']),
    );
    expect((await run(['mtrl'])).stderr).toBe('');
  });

  it('accepts an install by `npm ci` and does not install again', async () => {
    writeFileSync(lockFile(), lockOf({ a: '1.0.0' }));
    writeFileSync(installedFile(), lockOf({ a: '1.0.0' }));
    mkdirSync(join(root, 'node_modules', 'a'));
    expect((await run(['mtrl'])).stderr).toBe('');
  });

  it.each([
    ['was interrupted', undefined, true],
    ['was cut off in its last file', '{"packages":', true],
    ['has another version of a package', lockOf({ a: '0.9.0' }), true],
    ['has lost the folder of a package', lockOf({ a: '1.0.0' }), false],
  ])('installs again if the install %s', async (_, installed, hasFolder) => {
    writeFileSync(lockFile(), lockOf({ a: '1.0.0' }));
    rmSync(installedFile());
    if (installed !== undefined) writeFileSync(installedFile(), installed);
    if (hasFolder) mkdirSync(join(root, 'node_modules', 'a'));
    expect((await run(['mtrl'])).stderr).toContain('npm speaks');
  });

  it('requires the native packages of this platform, for one of its C libraries, and none of another', async () => {
    const native = (os: string, libc?: string) => ({
      version: '1.0.0',
      optional: true,
      os: [os],
      cpu: [process.arch],
      libc,
    });
    const here = process.platform;
    const packages = {
      [`node_modules/native-${here}`]: native(here, 'glibc'),
      [`node_modules/native-${here}musl`]: native(here, 'musl'),
      'node_modules/native-plan9': native('plan9'),
    };
    writeFileSync(lockFile(), JSON.stringify({ packages }));
    const installed = Object.keys(packages).slice(0, here === 'linux' ? 1 : 2);
    for (const path of installed) mkdirSync(join(root, path));
    const made = Object.fromEntries(installed.map((path) => [path, native(here)]));
    writeFileSync(installedFile(), JSON.stringify({ packages: made }));
    expect((await run(['mtrl'])).stderr).toBe('');
    writeFileSync(installedFile(), '{}');
    expect((await run(['mtrl'])).stderr).toContain('npm speaks');
  });

  it('reports that the packages cannot be installed', async () => {
    rmSync(installedFile());
    const { code, stdout, stderr } = await run(['mtrl'], { env: { NPM_EXIT: '9' } });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('SETUP_FAILED: the packages could not be installed');
    expect(stderr).toContain('exit code 9');
  });
});
