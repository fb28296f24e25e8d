/** A decoder with one column per token matches one with one row per token. */
import { describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { Graph, type Value } from '../../policy/graph/ir.ts';
import { gemm, transpose } from '../../policy/graph/build.ts';
import { readArchitecture } from '../../policy/models/architecture.ts';
import { attend, repeatHeads } from '../../policy/models/attention.ts';
import { decoder, languageHead } from '../../policy/models/decoder.ts';
import { type Layout, columns, rows } from '../../policy/models/layout.ts';
import { declareWeights } from '../../policy/models/parameters.ts';
import { trainableSpecs } from '../../policy/models/trainable.ts';
import { float32, int64 } from '../../policy/engines/embedded/packing/prompt-batch.ts';
import { elementCount } from '../../policy/engines/embedded/weights.ts';
import type { Tensor } from '../../policy/runtime/graph-runner.ts';
import { openRuntime } from '../../policy/runtime/open-runtime.ts';

const tokenCount = 7;
const shared = {
  ...{ vocab_size: 20, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2, num_attention_heads: 4 },
  ...{ num_key_value_heads: 2, max_position_embeddings: 32 },
};
const lora = { rank: 3, alpha: 6, seed: 0, modules: ['q_proj', 'o_proj', 'up_proj', 'down_proj', 'lm_head'] };
const runtime = await openRuntime({ threadCount: 1 });

describe.each([
  { model_type: 'llama', attention_bias: true, mlp_bias: true, tie_word_embeddings: true },
  { model_type: 'qwen2', tie_word_embeddings: false },
  { model_type: 'qwen3', head_dim: 8, tie_word_embeddings: false },
])('%j', (own) => {
  const architecture = readArchitecture({ ...shared, ...own }, 'config.json');

  test.each(own.tie_word_embeddings ? [{}] : [{}, { lora }])('trained with %j', async (trainable) => {
    const specs = trainableSpecs(architecture, trainable);
    const g = new Graph('both');
    const weights = declareWeights(g, specs);
    const x = g.input('x', 'float32', ['N', 24]);
    const positions = g.input('positions', 'int64', [1, 'N']);
    const logitsIn = (layout: Layout): Value => {
      const batch = { batch: 1, length: 'N', positions, rotary: undefined, layout };
      const hidden = decoder(g, architecture, weights, layout.fromRows(g, x), batch, (_layer, q, k, v) =>
        attend(g, q, repeatHeads(g, k, 2), repeatHeads(g, v, 2)),
      );
      return layout.toRows(g, languageHead(g, architecture, weights, hidden, layout));
    };
    g.output('rows', logitsIn(rows));
    g.output('columns', logitsIn(columns));

    const rng = new Rng('layout');
    const random = (length: number): Float32Array => Float32Array.from({ length }, () => rng.normal() * 0.3);
    const inputs = new Map<string, Tensor>(
      specs.map((spec) => [spec.name, float32(random(elementCount(spec)), spec.shape)]),
    );
    inputs.set('x', float32(random(tokenCount * 24), [tokenCount, 24]));
    inputs.set(
      'positions',
      int64(
        BigInt64Array.from({ length: tokenCount }, (_, i) => BigInt(i)),
        [1, tokenCount],
      ),
    );
    const runner = await runtime.compile(g);
    const outputs = await runner.run(inputs);
    await runner.release();
    const [byRow, byColumn] = ['rows', 'columns'].map((name) => [...(outputs.get(name)?.data as Float32Array)]);
    const differences = byRow?.map((logit, i) => Math.abs(logit - (byColumn?.[i] ?? NaN))) ?? [];
    expect(differences.length).toBe(tokenCount * 20);
    expect(Math.max(...differences)).toBeLessThan(1e-5);
    expect(Math.max(...(byRow ?? []))).toBeGreaterThan(0.1);
  });
});

test('a product of a transposed operand uses the original with a flag', () => {
  const g = new Graph('product');
  const [a, b] = [g.input('a', 'float32', ['M', 'K']), g.input('b', 'float32', ['N', 'K'])];
  expect(gemm(g, a, transpose(g, b, [1, 0]))).toBe(gemm(g, a, b, { transB: true }));
  expect(gemm(g, transpose(g, a, [1, 0]), b, { transA: true, transB: true })).toBe(gemm(g, a, b, { transB: true }));
});
