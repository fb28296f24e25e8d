/**
 * `npm run bench -- loading`: wall time from SmolLM2-135M's GGUF file (93 MB), and from the safetensors folder that it is
 * converted to (538 MB), to an engine that is ready for requests. The process of the engine starts within the time. On a
 * busy machine, the processor time beside it says more.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { required } from '../core/assert.ts';
import { stackHome } from '../infra/stack/settings.ts';
import { openForm } from '../policy/checkpoints/form.ts';
import { cpuTimeMs } from '../policy/engines/embedded/cpu-time.ts';
import { peakByteLength } from '../policy/engines/embedded/memory/memory-watch.ts';
import { spawnEmbeddedEngine } from '../policy/engines/embedded/spawn.ts';
import { prepareRealText } from './real-text-data.ts';
import { rounded } from './statistics.ts';

const targetSeconds = { gguf: 20, safetensors: 10 };

export async function bench(log: (line: string) => void) {
  const folder = join(stackHome(), 'real-text');
  await prepareRealText(folder, log);
  return { targetSeconds, ...(await loadingTimes(join(folder, 'model.gguf'))) };
}

/** @param path of a GGUF file */
export async function loadingTimes(path: string) {
  const target = await mkdtemp(join(tmpdir(), 'mtrl-loading-'));
  try {
    const startedAtMs = performance.now();
    const cpuBefore = process.cpuUsage();
    await required(await openForm(path), 'a GGUF file').writeFolder(target);
    const convertSeconds = (performance.now() - startedAtMs) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    const convertCpuSeconds = (user + system) / 1e6;
    const { loadSeconds, loadCpuSeconds, ...loaded } = await load(target);
    return {
      ...loaded,
      ggufByteLength: (await stat(path)).size,
      ggufSeconds: rounded(convertSeconds + loadSeconds),
      ggufCpuSeconds: rounded(convertCpuSeconds + loadCpuSeconds),
      safetensorsSeconds: rounded(loadSeconds),
      safetensorsCpuSeconds: rounded(loadCpuSeconds),
      convertPeakByteLength: required(peakByteLength(process.pid), 'this process'),
    };
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}

async function load(folder: string) {
  const startedAtMs = performance.now();
  const engine = spawnEmbeddedEngine({ threadCount: 2 });
  try {
    const { parameterCount } = await engine.loadCheckpoint(folder);
    const loadSeconds = (performance.now() - startedAtMs) / 1000;
    return {
      parameterCount,
      loadSeconds,
      loadCpuSeconds: required(cpuTimeMs(engine.pid), 'a living process') / 1000,
      loadPeakByteLength: required(peakByteLength(engine.pid), 'a living process'),
    };
  } finally {
    await engine.close();
  }
}
