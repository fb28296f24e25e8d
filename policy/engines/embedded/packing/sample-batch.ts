/** Converts sample requests to inputs of the rollout graph, and its outputs to completions. */
import { assert } from '../../../../core/assert.ts';
import { MtrlError } from '../../../../core/errors.ts';
import { keyOf, openUnit, philox } from '../../../../core/rng.ts';
import type { SampleRequest, SampledCompletion } from '../../../engine.ts';
import type { Architecture } from '../../../models/architecture.ts';
import { hidden } from '../../../models/attention.ts';
import { columnCountMax, columnCountMin } from '../../../models/layout.ts';
import type { RolloutGraphOptions } from '../../../models/rollout-graph.ts';
import { rotaryRows } from '../../../models/rotary-rows.ts';
import type { Tensor } from '../../../runtime/graph-runner.ts';
import { float32, floatScalar, imageTensors, int64 } from './prompt-batch.ts';

/** Part of a request that one call samples: some of its prompts, or some rollouts of one prompt. */
export interface SamplePart extends SampleRequest {
  /** Index of a group's first rollout among all rollouts of its prompt. */
  readonly rolloutOffset: number;
}

/** Number of prompts per call such that lanes finish together; completions do not depend on other prompts in a call. */
export function evenPromptCount(promptCount: number, groupSize: number, laneCount: number): number {
  const most = Math.max(1, Math.floor(columnCountMax / groupSize));
  const callCount = laneCount * Math.ceil(promptCount / most / laneCount);
  // Fewer rows take just as long.
  const least = Math.ceil((columnCountMin - 1) / groupSize);
  return Math.min(most, promptCount, Math.max(least, Math.ceil(promptCount / callCount)));
}

/** Splits a group with more rollouts than a call has rows into even shares. */
export function groupShares(groupSize: number): Pick<SamplePart, 'groupSize' | 'rolloutOffset'>[] {
  const shareCount = Math.ceil(groupSize / columnCountMax);
  const start = (share: number): number => Math.ceil((share * groupSize) / shareCount);
  return Array.from({ length: shareCount }, (_, share) => ({
    rolloutOffset: start(share),
    groupSize: start(share + 1) - start(share),
  }));
}

/** Splits the completions of a request's parts into groups. */
export function inGroups(completions: readonly SampledCompletion[], groupSize: number): SampledCompletion[][] {
  const groupCount = completions.length / groupSize;
  return Array.from({ length: groupCount }, (_, group) =>
    completions.slice(group * groupSize, (group + 1) * groupSize),
  );
}

/** Options of a request's graph. Those without effect are omitted, so that they do not need another graph. */
export function rolloutOptions({ text }: Architecture, request: SampleRequest): RolloutGraphOptions {
  const { prompts, sampling } = request;
  const { greedy, topK, topP, overKept } = sampling;
  const stopSequences = endSequences(request);
  assert(
    topK === undefined || (Number.isInteger(topK) && topK >= 1),
    `topK must be an integer, 1 or greater, not ${topK}`,
  );
  assert(topP === undefined || (topP > 0 && topP <= 1), `topP must be in (0, 1], not ${topP}`);
  assert(overKept !== true || (topK !== undefined && !greedy), 'log-probs over the kept tokens need topK');
  assert(
    stopSequences.every(({ length }) => length > 0),
    'a stop sequence has tokens',
  );
  return {
    withImages: prompts.some((prompt) => prompt.images.length > 0),
    ...(!greedy && topK !== undefined && topK < text.vocabularySize && { topK }),
    ...(!greedy && topP !== undefined && topP < 1 && { withTopP: true }),
    ...(stopSequences.length > 0 && { stopSequences }),
    ...(overKept === true && { overKept, topK: Math.min(topK as number, text.vocabularySize) }),
  };
}

export function sampleTensors(architecture: Architecture, request: SamplePart): Map<string, Tensor> {
  const { prompts, promptTokenCountMax: length, tokens } = request;
  checkLengths(architecture, request);
  const starts = prompts.map((prompt) => length - prompt.tokenIds.length);
  const tableRowCountMin = Math.max(length, columnCountMax);
  const rotary = rotaryRows(architecture, prompts, tableRowCountMin, request.sampling.tokenCountMax);
  const tokenIds = new BigInt64Array(prompts.length * length).fill(BigInt(tokens.padTokenId));
  const positions = new BigInt64Array(prompts.length * length);
  const bias = new Float32Array(prompts.length * length * length).fill(hidden);
  prompts.forEach((prompt, row) => {
    const start = starts[row] as number;
    prompt.tokenIds.forEach((id, index) => {
      const cell = row * length + start + index;
      tokenIds[cell] = BigInt(id);
      positions[cell] = BigInt(rotary.prompts[row]?.[index] as number);
      bias.fill(0, cell * length + start, cell * length + start + index + 1);
    });
  });
  const tensors = new Map<string, Tensor>([
    ['tokenIds', int64(tokenIds, [prompts.length, length])],
    ['positions', int64(positions, [prompts.length, length])],
    ['attentionBias', float32(bias, [prompts.length, 1, length, length])],
    ...groupTensors(request, starts, rotary.nexts),
    ['greedy', { dtype: 'bool', shape: [], data: Uint8Array.of(request.sampling.greedy ? 1 : 0) }],
    ['stopToken', int64(BigInt64Array.of(BigInt(tokens.stopTokenId)), [])],
    ['padToken', int64(BigInt64Array.of(BigInt(tokens.padTokenId)), [])],
    ['inverseTemperature', floatScalar(1 / request.sampling.temperature)],
    ...rotary.tables,
  ]);
  if (prompts.some((prompt) => prompt.images.length > 0)) {
    const tokenStarts = starts.map((start, row) => row * length + start);
    const shape = [prompts.length, length] as const;
    for (const [name, tensor] of imageTensors(architecture, prompts, tokenStarts, shape, request.imagePixelCountMax))
      tensors.set(name, tensor);
  }
  return tensors;
}

/** Prompt index of each group that the graph decodes: all in order, the last repeated until there are enough rows. */
function promptsOfGroups({ prompts, groupSize }: SamplePart): number[] {
  const groupCount = Math.max(prompts.length, Math.ceil(columnCountMin / groupSize));
  return Array.from({ length: groupCount }, (_, group) => Math.min(group, prompts.length - 1));
}

function groupTensors(part: SamplePart, starts: readonly number[], nexts: readonly number[]): [string, Tensor][] {
  const length = part.promptTokenCountMax;
  const groups = promptsOfGroups(part);
  const bias = new Float32Array(groups.length * length).fill(hidden);
  groups.forEach((prompt, group) => bias.fill(0, group * length + (starts[prompt] as number), (group + 1) * length));
  const behind = BigInt64Array.from(groups, (prompt) => BigInt(nexts[prompt] as number));
  return [
    ['groupPrompts', int64(BigInt64Array.from(groups, BigInt), [groups.length])],
    ['promptBias', float32(bias, [groups.length, 1, length])],
    ['promptLengths', int64(behind, [groups.length, 1])],
    ['uniforms', uniforms(part, groups)],
  ];
}

/** [C, N, G], each from its own counter (prompt, rollout, token), so that no sample depends on another. */
function uniforms(part: SamplePart, groups: readonly number[]): Tensor {
  const { groupSize, sampling, seed, step, promptOffset, draws, rolloutOffset } = part;
  const ofGroups = groups.map((prompt) => {
    const draw = draws?.[prompt] ?? { seed, prompt: promptOffset + prompt };
    return { key: keyOf('rollout', draw.seed, step), prompt: draw.prompt };
  });
  const data = new Float32Array(sampling.tokenCountMax * groups.length * groupSize);
  if (sampling.greedy) data.fill(0.5);
  else {
    let at = 0;
    for (let token = 0; token < sampling.tokenCountMax; token++) {
      for (const { key, prompt } of ofGroups) {
        for (let rollout = 0; rollout < groupSize; rollout++) {
          data[at++] = openUnit(philox([prompt, rolloutOffset + rollout, token, 0], key)[0]);
        }
      }
    }
  }
  return float32(data, [sampling.tokenCountMax, groups.length, groupSize]);
}

/**
 * Completions of the part, in order, from the outputs of the rollout graph: tokens and logProbs are [C', N*G, 1]; rows
 * end after a stop token or sequence.
 */
export function readCompletions(part: SamplePart, outputs: ReadonlyMap<string, Tensor>): SampledCompletion[] {
  const [tokens, logProbs] = [outputs.get('tokens') as Tensor, outputs.get('logProbs') as Tensor];
  const keptAt = keptReader(outputs.get('kept'));
  const [stepCount, rowCount] = tokens.shape as readonly [number, number];
  const ids = tokens.data as BigInt64Array;
  const values = logProbs.data as Float32Array;
  return Array.from({ length: part.prompts.length * part.groupSize }, (_, row) => {
    const keptTokenIds: number[][] = [];
    const completion = { tokenIds: [] as number[], logProbs: [] as number[], ...(keptAt && { keptTokenIds }) };
    for (let step = 0; step < stepCount; step++) {
      const id = Number(ids[step * rowCount + row]);
      completion.tokenIds.push(id);
      completion.logProbs.push(values[step * rowCount + row] as number);
      if (keptAt) keptTokenIds.push(keptAt(step * rowCount + row));
      if (id === part.tokens.stopTokenId || endsIn(completion.tokenIds, endSequences(part)))
        return { ...completion, finishReason: 'stop' as const };
    }
    return { ...completion, finishReason: 'length' as const };
  });
}

/** Reads the ids in a row of the output `kept` [C', N*G, k]. */
function keptReader(kept: Tensor | undefined): ((row: number) => number[]) | undefined {
  if (kept === undefined) return undefined;
  const data = kept.data as BigInt64Array;
  const width = kept.shape[2] as number;
  return (row) => Array.from(data.subarray(row * width, (row + 1) * width), Number).filter((id) => id >= 0);
}

/** What ends a completion besides the stop token: sequences of the request, and further stop tokens. */
function endSequences({ sampling, tokens }: SampleRequest): readonly (readonly number[])[] {
  return [...(sampling.stopSequences ?? []), ...(tokens.otherStopTokenIds ?? []).map((id) => [id])];
}

function endsIn(tokenIds: readonly number[], sequences: readonly (readonly number[])[]): boolean {
  return sequences.some(
    (sequence) =>
      sequence.length <= tokenIds.length &&
      sequence.every((id, index) => id === tokenIds[tokenIds.length - sequence.length + index]),
  );
}

function checkLengths(architecture: Architecture, { prompts, promptTokenCountMax, sampling }: SampleRequest): void {
  const longest = Math.max(...prompts.map((prompt) => prompt.tokenIds.length));
  if (longest > promptTokenCountMax) {
    throw new MtrlError('EXAMPLE_TOO_LONG', `a prompt of ${longest} tokens does not fit in ${promptTokenCountMax}`);
  }
  if (promptTokenCountMax + sampling.tokenCountMax > architecture.text.positionCountMax) {
    throw new MtrlError(
      'EXAMPLE_TOO_LONG',
      `prompts of ${promptTokenCountMax} and completions of ${sampling.tokenCountMax} tokens exceed the model's ${architecture.text.positionCountMax} positions`,
    );
  }
}
