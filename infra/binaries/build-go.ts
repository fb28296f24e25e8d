/** Builds servers from source, verified by Go's module proxy and checksum database. Takes minutes, once per version. */
import { execFile, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { locateOnPath } from './locate.ts';
import type { Pin } from './pins.ts';
import { elapsed, startProgress } from './progress.ts';

/** The first Go version that can download a newer Go. */
const goVersionOldest = '1.21';
/** Ends a build without output: a module download may stall (no network, a proxy that hangs). */
const silenceTimeoutMs = 5 * 60_000;

export interface Go {
  readonly path: string;
  readonly version: string;
}

/** The installed Go, or why it cannot be used for this pin. */
export async function findGo({ goVersionMin }: Pin): Promise<Go | { missing: string }> {
  const path = locateOnPath('go');
  if (path === undefined) return { missing: `go is not on PATH (${goVersionMin} is needed)` };
  try {
    const env = { ...process.env, GOTOOLCHAIN: 'local' };
    const { stdout } = await promisify(execFile)(path, ['env', 'GOVERSION'], { env, cwd: tmpdir(), timeout: 20_000 });
    const version = stdout.trim().replace(/^go/, '');
    if (isAtLeast(version, goVersionOldest)) return { path, version };
    return {
      missing: `${path} is Go ${version}; ${goVersionMin} is needed (from ${goVersionOldest} on, Go downloads it by itself)`,
    };
  } catch (error) {
    return { missing: `${path} does not run: ${(error as Error).message.split('\n')[0] ?? ''}` };
  }
}

/** Builds into `folder` and returns the binary's path; throws with the last lines of the compiler's output. */
export async function buildWithGo(pin: Pin, go: Go, folder: string, log: (line: string) => void): Promise<string> {
  const flags = ['-v', '-ldflags', '-s -w'];
  const output = join(folder, pin.name);
  const { args, cwd } =
    'module' in pin.source
      ? { args: ['build', ...flags, '-mod=readonly', '-o', output, pin.goPackage], cwd: pin.source.module }
      : { args: ['install', ...flags, `${pin.goPackage}@${pin.source.goVersion}`], cwd: folder };

  log(`building ${pin.name} ${pin.version} with Go ${go.version}; a few minutes, once`);
  const startedMs = Date.now();
  const progress = startProgress(`building ${pin.name}`, log);
  try {
    await runGo(go.path, args, cwd, goEnv(pin, go, folder), pin.packageCountAbout, progress.say);
  } finally {
    progress.end();
  }
  log(`built ${pin.name} in ${elapsed(Date.now() - startedMs)}`);
  return output;
}

function goEnv(pin: Pin, go: Go, folder: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, CGO_ENABLED: '0', GOBIN: folder, GOWORK: 'off', GOFLAGS: '' };
  // Set for the user's own builds; here they would build a server for another platform.
  delete env['GOOS'];
  delete env['GOARCH'];
  if (!isAtLeast(go.version, pin.goVersionMin)) env['GOTOOLCHAIN'] = `go${pin.goVersionMin}+auto`;
  return env;
}

function runGo(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  packageCountAbout: number,
  say: (text: string) => void,
): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    const lastLines: string[] = [];
    let downloadCount = 0;
    let packageCount = 0;
    let silence = setTimeout(giveUp, silenceTimeoutMs);
    function giveUp(): void {
      lastLines.push(`no output for ${String(silenceTimeoutMs / 60_000)} minutes: stopped`);
      child.kill('SIGKILL');
    }
    createInterface({ input: child.stderr }).on('line', (line) => {
      clearTimeout(silence);
      silence = setTimeout(giveUp, silenceTimeoutMs);
      if (line.startsWith('go: downloading ')) {
        downloadCount += 1;
        say(`${String(downloadCount)} modules downloaded`);
      } else if (isPackageName(line)) {
        packageCount += 1;
        say(`${String(packageCount)} of about ${String(Math.max(packageCountAbout, packageCount))} packages compiled`);
      } else {
        lastLines.push(line);
        if (lastLines.length > 8) lastLines.shift();
      }
    });
    child.once('error', failed);
    child.once('close', (code, signal) => {
      clearTimeout(silence);
      if (code === 0) done();
      else
        failed(
          new Error(
            `go ${args[0] ?? ''} ended with ${signal ?? `exit code ${String(code)}`}: ${lastLines.join(' | ')}`,
          ),
        );
    });
  });
}

/** `go build -v` prints one package per line; errors contain spaces or colons. */
function isPackageName(line: string): boolean {
  return /^[\w.~/+-]+$/.test(line);
}

export function isAtLeast(version: string, minimum: string): boolean {
  const [have, want] = [version, minimum].map((text) =>
    text.split(/[.\s-]|rc|beta/).map((part) => Number.parseInt(part, 10) || 0),
  );
  for (const index of [0, 1, 2]) {
    const difference = (have?.[index] ?? 0) - (want?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
