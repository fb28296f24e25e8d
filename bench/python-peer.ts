/** Python peers: finds their interpreter, and runs a peer as a process that performs a step on request. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { MtrlError } from '../core/errors.ts';
import { cacheRoot } from '../infra/binaries/cache.ts';

export const peerFile = (name: string): string => fileURLToPath(new URL(`./peers/${name}`, import.meta.url));

/** Where `npm run bench -- peers` creates the environment: the folder depends on the list of packages. */
export function peerEnvironment(): string {
  const digest = createHash('sha256')
    .update(readFileSync(peerFile('requirements.txt')))
    .digest('hex');
  return join(cacheRoot(), 'bench', `peers-${digest.slice(0, 12)}`);
}

/** File in the environment that exists once all packages are installed. */
export const completeName = 'complete';

/** The interpreter named by MTRL_BENCH_PYTHON, or the one of the environment in the cache. Throws FILE_MISSING. */
export function peerPython(): string {
  const named = process.env['MTRL_BENCH_PYTHON'];
  if (named !== undefined && named !== '') return named;
  const python = join(peerEnvironment(), 'bin', 'python');
  if (existsSync(join(peerEnvironment(), completeName))) return python;
  throw new MtrlError('FILE_MISSING', 'the Python environment of the peers is not there', {
    where: python,
    hint: 'npm run bench -- peers makes it; or name a Python with the packages of bench/peers/requirements.txt in MTRL_BENCH_PYTHON',
  });
}

/**
 * Environment variables under which MKL uses its fast kernels on a non-Intel processor; undefined if there is nothing
 * to tune or no C compiler.
 */
export function tunedMkl(log: (line: string) => void): Record<string, string> | undefined {
  const model = cpus()[0]?.model ?? '';
  if (process.platform !== 'linux' || model.includes('Intel')) {
    log(`nothing to tune in MKL on ${model}`);
    return undefined;
  }
  const library = join(cacheRoot(), 'bench', 'intel-cpu.so');
  if (!existsSync(library)) {
    mkdirSync(join(cacheRoot(), 'bench'), { recursive: true });
    const partial = `${library}.${process.pid}`;
    if (spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', partial, peerFile('intel-cpu.c')]).status !== 0) {
      log('no C compiler (cc): the tuned peer is left out');
      return undefined;
    }
    renameSync(partial, library);
  }
  return { LD_PRELOAD: library };
}

export interface Peer<Times> {
  readonly versions: Readonly<Record<string, string>>;
  step(): Promise<Times>;
  stop(): void;
}

/**
 * @param script file name in bench/peers; prints one line of JSON once it is ready, and one for each line `step` of
 * stdin
 * @param argument passed to the script as JSON
 */
export async function startPeer<Times>(
  script: string,
  argument: object,
  environment: Readonly<Record<string, string>> = {},
): Promise<Peer<Times>> {
  const child: ChildProcess = spawn(peerPython(), [peerFile(script), JSON.stringify(argument)], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('the peer has no pipes');
  let words = '';
  stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-4_000);
  });
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done === true)
      throw new MtrlError('INVARIANT', `the peer ${script} ended`, { found: words, hint: 'npm run bench -- peers' });
    return JSON.parse(line.value);
  };
  const { versions } = (await read()) as { versions: Record<string, string> };
  return {
    versions,
    step: async () => {
      stdin.write('step\n');
      return (await read()) as Times;
    },
    stop: () => {
      stdin.end();
    },
  };
}

/**
 * Runs a peer to its end.
 * @param file JSON, the script's argument
 * @param onLine gets the value of each line that it prints
 */
export async function runPeer(script: string, file: string, onLine: (value: unknown) => void): Promise<void> {
  const child = spawn(peerPython(), [peerFile(script), file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-4_000);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  for await (const line of createInterface({ input: child.stdout })) onLine(JSON.parse(line));
  if ((await ended) !== 0) throw new MtrlError('INVARIANT', `${script} failed`, { where: file, found: words });
}
