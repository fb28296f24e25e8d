import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findBinary, findOrMakeBinary } from '../../infra/binaries/binaries.ts';
import { buildWithGo, findGo, isAtLeast } from '../../infra/binaries/build-go.ts';
import { cachedPathOf, fillCache, findCached } from '../../infra/binaries/cache.ts';
import { pins } from '../../infra/binaries/pins.ts';
import { projectRoot } from '../../core/project.ts';
import { withLock } from '../../infra/process/lock.ts';

const pin = pins.minio;
const moduleFolder = join(projectRoot, 'infra', 'temporal');
const silent = (): void => undefined;

describe('server programs', () => {
  let folder: string;
  let bin: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mtrl-binaries-'));
    bin = join(folder, 'bin');
    mkdirSync(bin);
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
    vi.stubEnv('PATH', bin);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  function program(name: string, script: string): string {
    const path = join(bin, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  const fill = (content: string) =>
    fillCache(pin, (to) => {
      const path = join(to, pin.name);
      writeFileSync(path, content);
      return Promise.resolve(path);
    });

  it('are taken from PATH first, then from the cache', async () => {
    expect(await findBinary('minio')).toMatchObject({
      tried: ['minio on PATH: not found', expect.stringContaining('not there')],
    });
    const cached = await fill('program');
    expect(await findOrMakeBinary('minio', silent)).toEqual({ path: cached, source: 'cache' });
    const onPath = program('minio', 'exit 0');
    expect(await findOrMakeBinary('minio', silent)).toEqual({ path: onPath, source: 'path' });
  });

  it('are built again when the module files that they are built from change', () => {
    const module = join(folder, 'module');
    cpSync(moduleFolder, module, { recursive: true });
    const copied = { ...pins.temporal, source: { module } };
    const before = cachedPathOf(copied);
    expect(before).toBe(cachedPathOf(pins.temporal));
    appendFileSync(join(module, 'go.sum'), 'example.org/module v1.0.0 h1:hash=\n');
    expect(cachedPathOf(copied)).not.toBe(before);
  });

  it('can be built: the hash of each module that is required is locked, not only that of its go.mod', () => {
    const [required = '', locked = ''] = ['go.mod', 'go.sum'].map((name) =>
      readFileSync(join(moduleFolder, name), 'utf8'),
    );
    const replaced = new Map(
      [...required.matchAll(/^replace (\S+) \S+ => \S+ (\S+)$/gm)].map(([, path, to]) => [path, to]),
    );
    const modules = [...required.matchAll(/^\t(\S+) (v\S+)(?: \/\/ indirect)?$/gm)];
    expect(modules.length).toBeGreaterThan(100);
    const missing = modules.flatMap(([, path = '', version = '']) => {
      const wanted = `${path} ${replaced.get(path) ?? version} h1:`;
      return locked.includes(wanted) ? [] : [wanted];
    });
    expect(missing, 'in infra/temporal run `go mod tidy`').toEqual([]);
  });

  it('are not used if their digest does not match', async () => {
    const path = await fill('program');
    writeFileSync(path, 'prograM');
    expect(await findCached(pin)).toEqual({ missing: expect.stringContaining('damaged') as string });
    expect(existsSync(path)).toBe(false);
    await fill('program');
    rmSync(`${path}.sha256`);
    expect(await findCached(pin)).toHaveProperty('missing');
  });

  it('are complete in the cache, or absent', async () => {
    const path = cachedPathOf(pin);
    const broken = fillCache(pin, (to) => {
      writeFileSync(join(to, pin.name), 'half');
      return Promise.reject(new Error('killed'));
    });
    await expect(broken).rejects.toThrow('killed');
    expect(existsSync(path)).toBe(false);
  });

  it('report what was tried and what the user can do if none is available', async () => {
    await expect(findOrMakeBinary('minio', silent)).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      details: {
        found: expect.stringMatching(
          /PATH: not found\n.*cache: .*\n.*build: go is not on PATH \(1\.24\.8 is needed\)/,
        ) as string,
        hint: expect.stringMatching(/install `minio` on PATH, or Go 1\.24\.8 .*, or set MTRL_S3_ENDPOINT/) as string,
      },
    });
  });

  it('are built by Go, whose last output is in the error', async () => {
    program(
      'go',
      'if [ "$1" = env ]; then echo go1.22.1; exit; fi; echo "go: no such host" >&2; echo "with $GOTOOLCHAIN" >&2; exit 1',
    );
    const go = await findGo(pin);
    expect(go).toMatchObject({ version: '1.22.1' });
    if (!('path' in go)) return;
    await expect(buildWithGo(pin, go, folder, silent)).rejects.toThrow(
      'go install ended with exit code 1: go: no such host | with go1.24.8+auto',
    );
  });

  it('need a Go that can download a newer one', async () => {
    program('go', 'echo go1.19.8');
    expect(await findGo(pin)).toEqual({ missing: expect.stringContaining('is Go 1.19.8; 1.24.8 is needed') as string });
  });

  it('compare versions as numbers', () => {
    expect(isAtLeast('1.26.8', '1.26.4')).toBe(true);
    expect(isAtLeast('1.9', '1.21')).toBe(false);
    expect(isAtLeast('1.27rc1', '1.26.4')).toBe(true);
    expect(isAtLeast('1.26', '1.26.4')).toBe(false);
  });

  it('are built by one process at a time, and the lock of a dead process is ignored', async () => {
    const lock = join(folder, 'lock');
    writeFileSync(lock, JSON.stringify({ pid: process.pid, startTime: 'before/1', serial: 1 }));
    let insideCount = 0;
    let insideCountMax = 0;
    const body = async () => {
      insideCount += 1;
      insideCountMax = Math.max(insideCountMax, insideCount);
      await new Promise((done) => setTimeout(done, 20));
      insideCount -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock(lock, { timeoutMs: 5_000 }, body)));
    expect(insideCountMax).toBe(1);
    expect(existsSync(lock)).toBe(false);

    await withLock(lock, { timeoutMs: 5_000 }, async () => {
      await expect(withLock(lock, { timeoutMs: 10 }, body)).rejects.toMatchObject({ code: 'SETUP_FAILED' });
      expect(readFileSync(lock, 'utf8')).toContain(String(process.pid));
    });
  });
});
