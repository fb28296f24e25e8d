import { type Dim, type Shape, sameShape, shapeText } from '../dim.ts';
import type { Value } from '../ir.ts';
import type { ControlOp, InferContext, OpRows, TensorType } from '../op-row.ts';

export const controlOps: OpRows<ControlOp> = {
  /**
   * Inputs: trip count int64 [], condition bool [], carried values. Body inputs: iteration, condition, carried values.
   * Body outputs: condition, carried values, then scan outputs, which are stacked along a new first axis. A carried
   * axis may grow.
   */
  Loop: {
    domain: '',
    infer: (context) => {
      const { body } = context;
      if (body === undefined) throw new Error('needs a body');
      const [trips, condition, ...carried] = context.inputs;
      if (trips?.dtype !== 'int64' || condition?.dtype !== 'bool') throw new Error('needs trips int64, condition bool');
      const [next, ...results] = body.outputs.values();
      if (next?.dtype !== 'bool') throw new Error('the first output of the body must be its condition, bool');
      if (body.inputs.length !== carried.length + 2)
        throw new Error(`the body takes ${body.inputs.length} inputs, not ${carried.length + 2}`);
      if (results.length < carried.length) throw new Error('the body returns fewer values than it carries');
      const tripCount = context.graph.freshSymbol('trips');
      return results.map((value, index) =>
        index < carried.length
          ? carriedType(context, carried[index] as Value, value)
          : { dtype: value.dtype, shape: [tripCount, ...value.shape] },
      );
    },
    // No gradient rule: training graphs contain no loops, and rollouts are not differentiated.
  },
};

function carriedType(context: InferContext, before: Value, after: Value): TensorType {
  if (before.dtype !== after.dtype || before.shape.length !== after.shape.length) {
    throw new Error(
      `carried ${before.name} ${shapeText(before.shape)} comes back as ${after.dtype}${shapeText(after.shape)}`,
    );
  }
  const shape: Shape = before.shape.map((dim: Dim, axis) =>
    dim === after.shape[axis] ? dim : context.graph.freshSymbol('loop'),
  );
  return { dtype: before.dtype, shape: sameShape(shape, before.shape) ? before.shape : shape };
}
