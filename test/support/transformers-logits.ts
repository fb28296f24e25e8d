/** Computes logits with Python's transformers, if a suitable Python is found. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { completeName, peerEnvironment } from '../../bench/python-peer.ts';
import type { EncodedPrompt } from '../../policy/engine.ts';

const script = fileURLToPath(new URL('transformers_logits.py', import.meta.url));

/**
 * MTRL_TEST_PYTHON, or the environment of the benches' peers, or `python3`; undefined if it lacks torch or
 * transformers.
 */
export function pythonWithTransformers(): string | undefined {
  const named = process.env['MTRL_TEST_PYTHON'];
  const environment = peerEnvironment();
  if (named === undefined && existsSync(join(environment, completeName))) return join(environment, 'bin', 'python');
  const python = named ?? 'python3';
  const found = spawnSync(python, [
    '-c',
    'import importlib.util as u, sys; sys.exit(not (u.find_spec("torch") and u.find_spec("transformers")))',
  ]);
  return found.status === 0 ? python : undefined;
}

export interface LogitsRequest {
  readonly folder: string;
  readonly prompt: EncodedPrompt;
  /** Number of last positions whose logits are wanted. */
  readonly rowCount: number;
  /** Whether to convert 16-bit weights to float32 before computing. */
  readonly float32?: boolean;
}

export interface LogitsAnswer {
  /** The dtype that transformers chose from config.json. */
  readonly dtype: string;
  /** [rowCount, V] */
  readonly logits: readonly number[];
}

export function transformersLogits(python: string, requests: readonly LogitsRequest[]): LogitsAnswer[] {
  const input = requests.map(({ folder, prompt, rowCount, float32 }) => ({
    folder,
    rowCount,
    float32: float32 === true,
    tokenIds: prompt.tokenIds,
    images: prompt.images.map((image) => ({ ...image, data: [...image.data] })),
  }));
  const { status, stdout, stderr } = spawnSync(python, [script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as LogitsAnswer[];
}
