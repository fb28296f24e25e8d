/**
 * Finds or builds the server programs of the local stack. Order: on PATH, cached, downloaded by the SDK (Temporal
 * only), built with Go from pinned sources. Run as a program, it provides them in advance: those named, or both of the
 * stack.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeError, exitCodeOf, MtrlError } from '../../core/errors.ts';
import { buildWithGo, findGo } from './build-go.ts';
import { cacheRoot, fillCache, findCached } from './cache.ts';
import { locateOnPath } from './locate.ts';
import { type BinaryName, type Pin, pins } from './pins.ts';
import { downloadWithSdk, whyNoDownload } from './sdk-download.ts';
import { withLock } from '../process/lock.ts';

export interface Binary {
  readonly path: string;
  readonly source: 'path' | 'cache' | 'download' | 'build';
}

/** Time for two builds, each far longer than the slowest one observed. */
const lockTimeoutMs = 40 * 60_000;

export async function findOrMakeBinary(name: BinaryName, log: (line: string) => void): Promise<Binary> {
  const pin = pins[name];
  const found = await findBinary(name);
  if ('path' in found) return found;

  const onWait = ({ pid }: { pid: number }) => {
    if (pid !== process.pid) log(`waiting for process ${String(pid)}, which is building a server program`);
  };
  // One lock for both: a build uses all cores, so two at once would only take more memory.
  return withLock(join(cacheRoot(), 'make.lock'), { timeoutMs: lockTimeoutMs, onWait }, async () => {
    // The previous holder of the lock may just have built it.
    const again = await findCached(pin);
    return 'path' in again ? { path: again.path, source: 'cache' } : make(pin, found.tried, log);
  });
}

/** Finds a binary on PATH or in the cache; downloads and builds nothing. */
export async function findBinary(name: BinaryName): Promise<Binary | { tried: string[] }> {
  const onPath = locateOnPath(name);
  if (onPath !== undefined) return { path: onPath, source: 'path' };
  const cached = await findCached(pins[name]);
  if ('path' in cached) return { path: cached.path, source: 'cache' };
  return { tried: [`${name} on PATH: not found`, `cache: ${cached.missing}`] };
}

async function make(pin: Pin, triedBefore: readonly string[], log: (line: string) => void): Promise<Binary> {
  const tried = [...triedBefore];
  if (pin.name === 'temporal') {
    const reason = await whyNoDownload();
    if (reason !== undefined) tried.push(`download: ${reason}`);
    else {
      log(`downloading ${pin.name} ${pin.version}`);
      try {
        return { path: await fillCache(pin, (folder) => downloadWithSdk(pin, folder)), source: 'download' };
      } catch (error) {
        tried.push(`download: ${firstLine(error)}`);
      }
    }
  }
  const go = await findGo(pin);
  if ('missing' in go) tried.push(`build: ${go.missing}`);
  else {
    try {
      return { path: await fillCache(pin, (folder) => buildWithGo(pin, go, folder, log)), source: 'build' };
    } catch (error) {
      tried.push(`build: ${firstLine(error)}`);
    }
  }
  const instead = pin.overrideVariable === undefined ? '' : `, or set ${pin.overrideVariable} to a running server`;
  throw new MtrlError('SETUP_FAILED', `the ${pin.name} program cannot be obtained`, {
    where: `${process.platform}-${process.arch}`,
    found: `\n${tried.map((line) => `          ${line}`).join('\n')}`,
    hint: `install \`${pin.name}\` on PATH, or Go ${pin.goVersionMin} (https://go.dev/dl)${instead}`,
  });
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

async function main(names: readonly string[]): Promise<void> {
  const wanted = Object.values(pins).filter(({ name }) => names.includes(name));
  const log = (line: string) => {
    process.stderr.write(`${line}\n`);
  };
  for (const { name } of wanted) await findOrMakeBinary(name, log);
}

const [, script, ...named] = process.argv;
if (script !== undefined && import.meta.url === pathToFileURL(script).href) {
  main(named.length > 0 ? named : ['temporal', 'minio']).catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = exitCodeOf(error);
  });
}
