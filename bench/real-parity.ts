/** SmolLM2-135M, from its GGUF file, against transformers: loss, log-probs, gradients of all weights, greedy tokens. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSafetensors } from '../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../artifacts/codecs/tensor-values.ts';
import { required } from '../core/assert.ts';
import { stackHome } from '../infra/stack/settings.ts';
import { openForm } from '../policy/checkpoints/form.ts';
import type { TrainGroup } from '../policy/engine.ts';
import { EmbeddedEngine } from '../policy/engines/embedded/embedded-engine.ts';
import { loadProcessor } from '../policy/processor.ts';
import { modelRun } from '../test/support/model-run.ts';
import { runPeer } from './python-peer.ts';
import { prepareRealText } from './real-text-data.ts';
import { encodedRows, rowsIn } from './text-judge.ts';

const promptCount = 10;
const greedyTokenCount = 48;

interface Theirs {
  readonly loss: number;
  readonly logProbs: readonly number[];
  readonly greedy: readonly (readonly number[])[];
}

/** Both sides' values; `gradients` are pairs of ours and theirs by weight. */
export interface RealParity {
  readonly loss: readonly [number, number];
  readonly logProbs: readonly [readonly number[], readonly number[]];
  readonly gradients: ReadonlyMap<string, readonly [Float32Array, Float32Array]>;
  readonly greedyEqualCount: number;
  readonly promptCount: number;
}

export async function realParity(log: (line: string) => void): Promise<RealParity> {
  const data = join(stackHome(), 'real-text');
  await prepareRealText(data, log);
  const scratch = await mkdtemp(join(tmpdir(), 'mtrl-real-parity-'));
  try {
    const folder = join(scratch, 'model');
    await mkdir(folder);
    await required(await openForm(join(data, 'model.gguf')), 'a GGUF file').writeFolder(folder);
    const processor = await loadProcessor(folder);
    const rows = (await rowsIn(join(data, 'polarity.test.jsonl'))).slice(0, promptCount);
    const prompts = await encodedRows(processor, rows);
    const groups = rows.map(({ label }, i): TrainGroup => {
      const tokenIds = processor.encodeCompletion(`<answer> ${label} </answer>`);
      return { prompt: required(prompts[i], 'a prompt'), completions: [{ tokenIds, tokenWeight: 1 / rows.length }] };
    });
    const { stopTokenId, padTokenId, bannedTokenIds } = processor;
    const gradients = join(scratch, 'gradients.safetensors');
    const work = {
      ...{ folder, gradients, bannedTokenIds, tokenCount: greedyTokenCount },
      groups: groups.map(({ prompt, completions }) => ({
        prompt: { tokenIds: prompt.tokenIds, images: [] },
        completions,
      })),
      prompts: prompts.map(({ tokenIds }) => tokenIds),
    };
    const file = join(scratch, 'work.json');
    await writeFile(file, JSON.stringify(work));
    const said: Theirs[] = [];
    await runPeer('real_parity.py', file, (value) => void said.push(value as Theirs));
    const theirs = required(said[0], 'the answer of the peer');
    const run = await modelRun(folder, groups, { loss: 'cross_entropy' });
    const { tensors } = decodeSafetensors(await readFile(gradients));
    const engine = new EmbeddedEngine({ threadCount: 2 });
    await engine.loadCheckpoint(folder);
    const sampled = await engine.sample({
      ...{ prompts, groupSize: 1, seed: 0, step: 0, promptOffset: 0 },
      tokens: { stopTokenId, padTokenId, bannedTokenIds: [...bannedTokenIds] },
      sampling: { temperature: 1, greedy: true, tokenCountMax: greedyTokenCount },
      promptTokenCountMax: Math.max(...prompts.map(({ tokenIds }) => tokenIds.length)),
    });
    await engine.close();
    const equal = sampled.groups.filter(([own], i) => own?.tokenIds.join() === theirs.greedy[i]?.join());
    return {
      loss: [run.loss, theirs.loss],
      logProbs: [[...run.logProbs], theirs.logProbs],
      gradients: new Map(
        run.names.map((name) => [name, [run.gradientOf(name), readFloat32(required(tensors.get(name), name))]]),
      ),
      greedyEqualCount: equal.length,
      promptCount,
    };
  } finally {
    await rm(scratch, { recursive: true });
  }
}
