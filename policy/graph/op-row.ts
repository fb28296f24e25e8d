/** One row of the op table: type checking, output types and gradient rule. */
import type { Shape } from './dim.ts';
import type { Attributes, DType, Graph, Node, Value } from './ir.ts';

/** ONNX op names, by kind; the rows of each kind are in one file of ops/. */
export type ElementwiseOp =
  | 'Add'
  | 'Sub'
  | 'Mul'
  | 'Div'
  | 'Min'
  | 'Max'
  | 'Neg'
  | 'Exp'
  | 'Log'
  | 'Sqrt'
  | 'Reciprocal'
  | 'Sigmoid'
  | 'Tanh'
  | 'Erf'
  | 'Gelu'
  | 'Equal'
  | 'Less'
  | 'LessOrEqual'
  | 'Greater'
  | 'And'
  | 'Or'
  | 'Not'
  | 'Where'
  | 'Cast'
  | 'Identity';
export type LinearOp = 'MatMul' | 'Gemm' | 'FusedMatMul';
export type MovementOp =
  | 'Reshape'
  | 'Transpose'
  | 'Concat'
  | 'Slice'
  | 'Split'
  | 'Expand'
  | 'Gather'
  | 'GatherElements'
  | 'ScatterElements'
  | 'Shape'
  | 'ConstantOfShape'
  | 'OneHot';
export type ReductionOp =
  | 'ReduceSum'
  | 'ReduceMean'
  | 'ReduceMax'
  | 'ReduceSumSquare'
  | 'ArgMax'
  | 'TopK'
  | 'CumSum'
  | 'Softmax'
  | 'LogSoftmax';
export type NormalizationOp = 'LayerNormalization' | 'SimplifiedLayerNormalization' | 'RotaryEmbedding';
export type ControlOp = 'Loop';

export type OpName = ElementwiseOp | LinearOp | MovementOp | ReductionOp | NormalizationOp | ControlOp;

export interface InferContext {
  readonly graph: Graph;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly body?: Graph;
}

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface GradientContext {
  readonly graph: Graph;
  readonly node: Node;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Gradient of the loss with respect to each output; undefined where none flows. At least one is defined. */
  readonly outputGradients: readonly (Value | undefined)[];
}

export interface OpRow {
  /** Empty for the ONNX standard domain. */
  readonly domain: '' | 'com.microsoft';
  /** Infers the output types; throws an Error whose message says what is invalid. */
  readonly infer: (context: InferContext) => readonly TensorType[];
  /**
   * Gradient with respect to each input; undefined where none flows (indices, masks). `none`: the outputs are not
   * differentiable (comparisons, shapes), so the backward walk stops there.
   */
  readonly gradient?: 'none' | ((context: GradientContext) => readonly (Value | undefined)[]);
}

export type OpRows<Names extends OpName> = { readonly [Name in Names]: OpRow };
