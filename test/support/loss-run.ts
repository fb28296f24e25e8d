/** Runs a loss by itself in ONNX Runtime: without a model, on given log-probs. */
import type { Loss, TrainGroup } from '../../policy/engine.ts';
import { gradients } from '../../policy/graph/gradient.ts';
import { Graph } from '../../policy/graph/ir.ts';
import { declareLossTerms, lossInputs, lossOf } from '../../policy/losses/graph-terms.ts';
import { lossVariant, usesReference } from '../../policy/losses/table.ts';
import { required } from '../../core/assert.ts';
import type { ReferenceTensor } from './reference-tensor.ts';
import { runInRuntime } from './runtime-run.ts';

/** @param logProbs under the current weights, [group][completion][token]; groups have equally many completions */
export async function lossAndGradient(
  groups: readonly TrainGroup[],
  loss: Loss,
  logProbs: readonly (readonly (readonly number[])[])[],
): Promise<{ readonly loss: number; readonly gradient: readonly number[] }> {
  const g = new Graph('loss');
  const chosen = g.input('logProbs', 'float32', ['N']);
  const terms = declareLossTerms(g, loss.name, usesReference(loss), lossVariant(loss));
  const value = lossOf(g, terms, chosen);
  g.output('loss', value);
  g.output('gradient', required(gradients(g, value, [chosen])[0], 'a gradient'));
  const [results] = await runInRuntime(g, [
    new Map([['logProbs', vector(logProbs.flat(2))], ...lossTensors(groups, loss)]),
  ]);
  const dataOf = (name: string): readonly number[] => required(results?.get(name), name).data;
  return { loss: required(dataOf('loss')[0], 'the loss'), gradient: dataOf('gradient') };
}

function lossTensors(groups: readonly TrainGroup[], loss: Loss): [string, ReferenceTensor][] {
  const completions = groups.flatMap((group) => group.completions);
  const tokenCount = completions.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  return lossInputs<ReferenceTensor>(loss, {
    perToken: (of) =>
      vector(
        completions.flatMap((completion) => {
          const values = of(completion);
          return completion.tokenIds.map((_, t) => (typeof values === 'number' ? values : (values[t] ?? NaN)));
        }),
      ),
    scalar: (of) => ({ dtype: 'float32', shape: [], data: [of] }),
    membership: (of) => {
      const rows = of === 'group' ? groups.map((group) => group.completions) : completions.map((each) => [each]);
      return {
        dtype: 'float32',
        shape: [rows.length, tokenCount],
        data: rows.flatMap((row) =>
          completions.flatMap((completion) => completion.tokenIds.map(() => Number(row.includes(completion)))),
        ),
      };
    },
  });
}

function vector(data: readonly number[]): ReferenceTensor {
  return { dtype: 'float32', shape: [data.length], data: [...data] };
}
