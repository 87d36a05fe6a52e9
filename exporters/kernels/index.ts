/**
 * The registry of the tracer: every export of these modules is a tfjs kernel under its exact name
 * (`FusedMatMul` stands for `_FusedMatMul`). To teach the tracer an op, write its kernel here and its test.
 */

export { Conv2D, Conv2DBackpropFilter, Conv2DBackpropInput, FusedConv2D } from './convolution.js';
export {
  Abs,
  Add,
  Cast,
  ClipByValue,
  Equal,
  Exp,
  Greater,
  GreaterEqual,
  LeakyRelu,
  Less,
  LessEqual,
  Log,
  Log1p,
  LogicalAnd,
  LogicalNot,
  LogicalOr,
  Maximum,
  Minimum,
  Multiply,
  Neg,
  NotEqual,
  Pow,
  RealDiv,
  Reciprocal,
  Relu,
  Rsqrt,
  Select,
  Sigmoid,
  Sign,
  Softplus,
  Sqrt,
  Square,
  SquaredDifference,
  Step,
  Sub,
  Tanh,
} from './elementwise.js';
export { BatchMatMul, FusedMatMul } from './matmul.js';
export { FusedBatchNorm } from './normalization.js';
export { Max, Mean, Min, Prod, Sum } from './reduce.js';
export {
  Concat,
  ExpandDims,
  Fill,
  Identity,
  OnesLike,
  Pack,
  PadV2,
  Reshape,
  Slice,
  SplitV,
  Tile,
  Transpose,
  Unpack,
  ZerosLike,
} from './shape.js';
