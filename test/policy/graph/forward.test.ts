import { describe, expect, it } from 'vitest';
import { opNames } from '../../../policy/graph/op-table.ts';
import { evaluate } from '../../support/reference-interpreter.ts';
import { mismatch, runInRuntime } from '../../support/runtime-run.ts';
import { opCases } from './cases/all.ts';
import { type OpCase, buildCase, drawInputs } from './op-case.ts';

const float32Tolerance = 3e-6;

async function forwardProblems(item: OpCase): Promise<string[]> {
  const { graph, outputs } = buildCase(item);
  if (!graph.nodes.some(({ op }) => op === item.op)) return [`the case builds no ${item.op}`];
  outputs.forEach((value, index) => {
    graph.output(`y${index}`, value);
  });
  const runs = item.sizes.map((sizes) => drawInputs(item, sizes));
  const results = await runInRuntime(graph, runs);
  return runs.flatMap((inputs, run) =>
    evaluate(graph, inputs, outputs).flatMap((expected, index) => {
      const tolerance = expected.dtype === 'float32' ? float32Tolerance : 0;
      const problem = mismatch(results[run]?.get(`y${index}`), expected, tolerance);
      return problem === undefined ? [] : [`output ${index} of run ${JSON.stringify(item.sizes[run])} ${problem}`];
    }),
  );
}

describe('ONNX Runtime matches the operator specification', () => {
  it.each(opCases.map((item) => [item.title, item] as const))('%s', async (_title, item) => {
    expect((await forwardProblems(item)).join('\n')).toBe('');
  });

  it('every op of the table has a case', () => {
    expect(opNames.filter((name) => !opCases.some(({ op }) => op === name))).toEqual([]);
  });

  it('titles of cases are unique, so that each draws its own inputs', () => {
    const titles = opCases.map(({ title }) => title);
    expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([]);
  });
});
