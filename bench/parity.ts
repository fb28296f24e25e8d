/**
 * Writes docs/parity.md: the differences between the engine and transformers with torch on every architecture, and
 * between ONNX Runtime and TensorFlow.js on every op. The inputs are the tests' fixtures; every figure is measured
 * anew. With --replay ID it makes the updates of a recorded experiment again in PyTorch instead (replay/replay.ts), with
 * --exported ID it opens its exports in transformers and PEFT (exported/exported.ts).
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors } from '../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../artifacts/codecs/tensor-values.ts';
import { required } from '../core/assert.ts';
import { openGguf, readGgufTensor } from '../policy/checkpoints/gguf/gguf-file.ts';
import { type RealParity, realParity } from './real-parity.ts';
import { EmbeddedEngine } from '../policy/engines/embedded/embedded-engine.ts';
import { readConfig, readWeights } from '../policy/engines/embedded/weights.ts';
import { type OpDifference, opDifferences } from '../test/support/differential.ts';
import { largestDifference, strided } from '../test/support/idefics3-fixture.ts';
import { compareExports } from './exported/exported.ts';
import type { BenchOptions } from './main.ts';
import { replayExperiment } from './replay/replay.ts';
import { modelRun } from '../test/support/model-run.ts';
import { type ReplayCase, type ReplayedCase, replayCase, replayCases } from '../test/support/replay-fixture.ts';
import { type ParityCase, parityCases } from '../test/support/parity-cases.ts';

const file = fileURLToPath(new URL('../docs/parity.md', import.meta.url));

/** Largest absolute difference, and the same divided by the largest element of its tensor; the worst of all tensors. */
interface Difference {
  readonly absolute: number;
  readonly relative: number;
}

interface Measured {
  readonly name: string;
  readonly loss: Difference;
  readonly logProbs: Difference;
  readonly gradients: Difference;
  readonly gradientCount: number;
  readonly weights: Difference | undefined;
  readonly greedy: string;
}

export async function bench(log: (line: string) => void, { replayed, exported }: BenchOptions) {
  if (replayed !== undefined) return replayExperiment(log, replayed.experimentId, replayed.runName);
  if (exported !== undefined) return compareExports(log, exported.experimentId, exported.runName);
  const measured: Measured[] = [];
  for (const item of await parityCases()) {
    measured.push(await measure(item));
    log(`${item.name}: loss ${text(measured.at(-1)?.loss)}, gradients ${text(measured.at(-1)?.gradients)}`);
  }
  measured.push(real(await realParity(log)));
  const replays: ReplayRow[] = [];
  for (const name of Object.keys(replayCases) as ReplayCase[]) replays.push({ name, ...(await replayCase(name)) });
  const ops = byOp(await opDifferences({ threadCount: 1, backend: 'tfjs', executionProvider: 'cpu' }));
  await writeFile(file, page(measured, replays, await ggufTypes(), ops));
  log(`written: ${file}`);
  const worst = Math.max(...measured.map(({ gradients }) => gradients.absolute));
  return { architectureCount: measured.length, opCount: ops.length, gradientDifferenceMax: worst };
}

function real({ loss, logProbs, gradients, greedyEqualCount, promptCount }: RealParity): Measured {
  const least = exactlyZero * Math.max(...[...gradients.values()].map(([, theirs]) => largestOf(theirs)));
  return {
    name: 'SmolLM2-135M, GGUF Q4_1',
    loss: difference([loss[0]], [loss[1]]),
    logProbs: difference(...logProbs),
    gradients: worst([...gradients.values()].map(([ours, theirs]) => difference(ours, theirs, least))),
    gradientCount: gradients.size,
    weights: undefined,
    greedy: `${String(greedyEqualCount)} of ${String(promptCount)}`,
  };
}

interface TypeRow {
  readonly name: string;
  readonly valueCount: number;
  readonly otherCount: number;
}

/** Values of every GGUF type against those of the package `gguf` (test/fixtures/gguf). */
async function ggufTypes(): Promise<TypeRow[]> {
  const fixture = (name: string): string => fileURLToPath(new URL(`../test/fixtures/gguf/${name}`, import.meta.url));
  const opened = await openGguf(fixture('types.gguf'));
  const { tensors } = decodeSafetensors(await readFile(fixture('types.safetensors')));
  return Promise.all(
    opened.tensors.map(async (tensor) => {
      const found = await readGgufTensor(opened, tensor);
      const expected = readFloat32(required(tensors.get(tensor.typeName), tensor.typeName));
      const otherCount = found.filter((value, i) => !Object.is(value, expected[i])).length;
      return { name: tensor.typeName, valueCount: found.length, otherCount };
    }),
  );
}

async function measure(item: ParityCase): Promise<Measured> {
  const { name, folder, groups, loss, logProbs, gradientOf } = item;
  const run = await modelRun(folder, groups, { loss: 'cross_entropy' });
  const least = exactlyZero * Math.max(...run.names.map((weight) => largestOf(gradientOf(weight).values)));
  const gradients = run.names.map((weight) => {
    const { values, stride } = gradientOf(weight);
    return difference(strided(run.gradientOf(weight), stride).slice(0, values.length), values, least);
  });
  return {
    name,
    loss: difference([run.loss], [loss]),
    logProbs: difference(run.logProbs, logProbs),
    gradients: worst(gradients),
    gradientCount: gradients.length,
    ...(await withEngine(item)),
  };
}

async function withEngine({ folder, groups, greedy, steps, gradientOf }: ParityCase) {
  const engine = new EmbeddedEngine({ threadCount: 1 });
  const saved = await mkdtemp(join(tmpdir(), 'mtrl-parity-'));
  const { stopTokenId, bannedTokenIds } = greedy;
  const tokens = { stopTokenId, bannedTokenIds, padTokenId: 0 };
  const training = { ...tokens, bannedTokenIds: [] };
  try {
    await engine.loadCheckpoint(folder);
    const prompts = groups.map(({ prompt }) => prompt);
    const wanted = greedy.tokenIds;
    const sampled = await engine.sample({
      ...{ prompts, groupSize: 1, tokens, seed: 0, step: 0, promptOffset: 0 },
      sampling: { temperature: 1, greedy: true, tokenCountMax: Math.max(...wanted.map(({ length }) => length)) },
      promptTokenCountMax: Math.max(...prompts.map(({ tokenIds }) => tokenIds.length)),
    });
    const found = sampled.groups.map((group) => group[0]?.tokenIds ?? []);
    const equalCount = found.filter((ids, row) => isBeginning(ids, wanted[row] ?? [])).length;
    for (let step = 0; step < (steps?.count ?? 0); step++) {
      await engine.forwardBackward({ groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens: training });
      if (steps) await engine.optimStep(steps.adamw);
    }
    await engine.saveState(saved);
    const { architecture } = await readConfig(saved);
    const weights = steps && (await readWeights(saved, architecture.parameterSpecs));
    return {
      greedy: `${String(equalCount)} of ${String(wanted.length)}`,
      weights:
        steps &&
        worst(
          [...(weights ?? [])].map(([name, data]) =>
            difference(strided(data, gradientOf(name).stride), steps.weightOf(name)),
          ),
        ),
    };
  } finally {
    await engine.close();
    await rm(saved, { recursive: true });
  }
}

/** Whether ids is a prefix of wanted: transformers pads completions that have ended. */
function isBeginning(ids: readonly number[], wanted: readonly number[]): boolean {
  return ids.length > 0 && ids.every((id, i) => id === wanted[i]);
}

/**
 * Gradients below this share of the model's largest are rounding noise: the bias of keys has gradient 0 in exact
 * arithmetic.
 */
const exactlyZero = 1e-5;

/** @param least tensors whose elements are all at most this large get a relative difference of 0 */
function difference(found: ArrayLike<number>, expected: ArrayLike<number>, least = 0): Difference {
  const absolute = largestDifference(found, expected);
  const largest = largestOf(expected);
  return { absolute, relative: largest <= least ? 0 : absolute / largest };
}

function largestOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((top, value) => Math.max(top, Math.abs(value)), 0);
}

function worst(differences: readonly Difference[]): Difference {
  return {
    absolute: Math.max(...differences.map(({ absolute }) => absolute)),
    relative: Math.max(...differences.map(({ relative }) => relative)),
  };
}

interface OpRow {
  readonly op: string;
  readonly caseCount: number;
  readonly difference: number;
  readonly problemCount: number;
}

function byOp(differences: readonly OpDifference[]): OpRow[] {
  const names = [...new Set(differences.map(({ op }) => op))].sort();
  return names.map((op) => {
    const own = differences.filter((each) => each.op === op);
    const difference = Math.max(...own.map((each) => each.difference));
    return { op, caseCount: own.length, difference, problemCount: own.filter(({ problem }) => problem !== '').length };
  });
}

type ReplayRow = ReplayedCase & { readonly name: ReplayCase };

function page(
  measured: readonly Measured[],
  replays: readonly ReplayRow[],
  types: readonly TypeRow[],
  ops: readonly OpRow[],
): string {
  const rows = measured.map(({ name, loss, logProbs, gradients, gradientCount, weights, greedy }) =>
    [name, text(loss), text(logProbs), `${text(gradients)} (${String(gradientCount)})`, text(weights), greedy].join(
      ' | ',
    ),
  );
  const replayRows = replays.map(({ name, updateCount, relativeDifference, logProbDifferenceMax }) =>
    [name, updateCount, relativeDifference.toExponential(1), logProbDifferenceMax.toExponential(1)].join(' | '),
  );
  const typeRows = types.map(({ name, valueCount, otherCount }) => [name, valueCount, otherCount].join(' | '));
  const opRows = ops.map(({ op, caseCount, difference, problemCount }) =>
    [op, caseCount, difference.toExponential(1), problemCount].join(' | '),
  );
  return `# Parity

Written by \`npm run bench -- parity\`, which measures every figure on the fixtures of the tests, in float32 on one thread.

## Architectures against transformers and torch

Tiny random checkpoints (\`test/fixtures/*/generate.py\`, with versions beside them), and SmolLM2-135M-Instruct from its GGUF file (ten prompts, all 272 weights, 48 greedy tokens each). Each cell has the largest absolute difference over all tensors, then the largest difference relative to the largest element of its tensor (for gradients: over those that are not 0 in exact arithmetic, as the biases of keys are). Log-probs are those of the answers' tokens. Gradients: number of weights in parentheses. Weights: after three AdamW steps with clipping. Greedy: prompts whose tokens equal those of \`generate\`. A dash: the fixture has no such values.

| checkpoint | loss | log-probs | gradients | weights after 3 steps | greedy |
| --- | --- | --- | --- | --- | --- |
${rows.map((row) => `| ${row} |`).join('\n')}

## Updates against torch

Updates of a tiny Qwen3 (AdamW, clipping, warm-up; GRPO with one update a step, and three algorithms with four), made again by torch and PEFT from the same rollouts and rewards: the L2 norm of the difference between both final weights, relative to that of the whole change, and the largest difference between the log-probs of the rollouts and those of the first update of a step. \`npm run bench -- parity --replay ID\` does the same with a recorded experiment, run by run. Of SmolLM2-135M: six updates of all weights differ by 0.010 %, six with LoRA by 0.039 %; its exports answer alike in transformers and PEFT ([real-text.md](real-text.md)). Whole runs, three seeds each with LoRA and with all weights: rewards and held-out scores are those of TRL within their intervals ([settings.md](settings.md), \`npm run bench -- dynamics --peer\`):

![Rewards by step, beside TRL's: the mean of three seeds, and a band from the lowest to the highest](figures/dynamics.svg)

| trained | updates | difference of the change | log-probs |
| --- | --- | --- | --- |
${replayRows.map((row) => `| ${row} |`).join('\n')}

## GGUF: values of every type against the package gguf

Values of \`test/fixtures/gguf/types.gguf\` after dequantization, compared bit by bit with those of the Python package.

| type | values | that differ |
| --- | --- | --- |
${typeRows.map((row) => `| ${row} |`).join('\n')}

## Ops: ONNX Runtime against TensorFlow.js

Every case of the op, outputs and gradients, on the cpu providers: the largest absolute difference of any element, and the number of cases outside the tests' tolerance (1e-4 of a tensor's largest element).

| op | cases | largest difference | outside |
| --- | --- | --- | --- |
${opRows.map((row) => `| ${row} |`).join('\n')}
`;
}

function text(found: Difference | undefined): string {
  return found === undefined ? '-' : `${found.absolute.toExponential(1)}, ${found.relative.toExponential(1)}`;
}
