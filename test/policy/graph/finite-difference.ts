/**
 * Compares the gradient graph of a scalar loss with central differences of the float64 forward, and float32 with both.
 */
import { gradients } from '../../../policy/graph/gradient.ts';
import type { Graph, Value } from '../../../policy/graph/ir.ts';
import { evaluate } from '../../support/reference-interpreter.ts';
import { type ReferenceTensor, at } from '../../support/reference-tensor.ts';
import { mismatch, runInRuntime } from '../../support/runtime-run.ts';

const step = 1e-5;
/** The truncation error is about step^2, the rounding error about 1e-16 / step. */
const differenceTolerance = 1e-6;
const float32Tolerance = 2e-5;

/**
 * Adds the gradients of the loss to the graph and checks them for every run.
 * @returns the problems, one line per tensor
 */
export async function gradientProblems(
  graph: Graph,
  loss: Value,
  by: readonly Value[],
  runs: readonly ReadonlyMap<string, ReferenceTensor>[],
): Promise<string[]> {
  const results = gradients(graph, loss, by);
  results.forEach((gradient, index) => {
    graph.output(`gradient${index}`, gradient);
  });
  const float32 = await runInRuntime(graph, runs);
  return runs.flatMap((inputs, run) => {
    const analytic = evaluate(graph, inputs, results);
    return by.flatMap((value, index) => {
      const exact = at(analytic, index);
      const numeric = centralDifference(graph, loss, value, inputs);
      const problems = {
        'against differences': mismatch(exact, numeric, differenceTolerance),
        'in ONNX Runtime': mismatch(float32[run]?.get(`gradient${index}`), exact, float32Tolerance),
      };
      return Object.entries(problems)
        .filter(([, problem]) => problem !== undefined)
        .map(([where, problem]) => `run ${run}: gradient by ${value.name} ${where} ${String(problem)}`);
    });
  });
}

function centralDifference(
  graph: Graph,
  loss: Value,
  value: Value,
  inputs: ReadonlyMap<string, ReferenceTensor>,
): ReferenceTensor {
  const tensor = inputs.get(value.name);
  if (tensor === undefined) throw new Error(`no input ${value.name}`);
  const lossAt = (flat: number, delta: number): number => {
    const data = tensor.data.map((element, i) => (i === flat ? element + delta : element));
    return at(at(evaluate(graph, new Map([...inputs, [value.name, { ...tensor, data }]]), [loss]), 0).data, 0);
  };
  const data = tensor.data.map((_, flat) => (lossAt(flat, step) - lossAt(flat, -step)) / (2 * step));
  return { ...tensor, data };
}
