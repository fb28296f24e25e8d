/**
 * The binary forms of the wire: passes are sent as protobuf, and their results and those of samplers come as protobuf.
 * Decoded results have the shape of the JSON ones, so that one schema reads both.
 */
import protobuf from 'protobufjs';
import { required } from '../../../core/assert.ts';
import type { Chunk, LossInput, Tensor } from './wire.ts';

/** The part of tinker_public.proto (SDK `tinker`) that is sent and read. Arrays are bytes, little-endian. */
const { root } = protobuf.parse(
  `
  syntax = "proto3";
  message ForwardBackwardRequest {
    string model_id = 1;
    int32 seq_id = 2;
    repeated Datum data = 3;
    string loss_fn = 4;
    map<string, double> loss_fn_config = 5;
    bool forward_only = 6;
    map<string, LossConfigValue> loss_fn_config_v2 = 7;
  }
  message LossConfigValue { oneof value { double number = 1; string text = 2; } }
  message Datum { repeated Chunk model_input = 1; map<string, Tensor> loss_fn_inputs = 2; }
  message Chunk { oneof chunk { EncodedTextChunk encoded_text = 1; ImageChunk image = 2; } }
  message EncodedTextChunk { bytes tokens = 1; }
  message ImageChunk { bytes data = 1; string format = 2; optional int32 expected_tokens = 3; }
  enum DType { DTYPE_UNSPECIFIED = 0; DTYPE_FLOAT32 = 1; DTYPE_INT64 = 2; DTYPE_INT32 = 3; DTYPE_BFLOAT16 = 4; }
  message Tensor { oneof encoding { bytes dense = 1; } DType dtype = 3; repeated int64 shape = 4; }
  enum StopReason { STOP_REASON_STOP = 0; STOP_REASON_LENGTH = 1; }
  message SampleResponse { repeated SampledSequence sequences = 1; }
  message SampledSequence { StopReason stop_reason = 1; bytes tokens = 2; optional bytes logprobs = 3; }
  message ForwardBackwardOutput { repeated ArrayRecord loss_fn_outputs = 2; }
  message ArrayRecord { map<string, BatchedTensor> fields = 2; }
  message BatchedTensor { bytes data = 1; bytes offsets = 2; DType dtype = 3; }
  `,
  { keepCase: true },
);
const [request, sample, output] = ['ForwardBackwardRequest', 'SampleResponse', 'ForwardBackwardOutput'].map((name) =>
  root.lookupType(name),
) as [protobuf.Type, protobuf.Type, protobuf.Type];

export const protobufType = 'application/x-protobuf';

/** What a pass is of: a numbered request to a model. */
interface PassTarget {
  readonly modelId: string;
  readonly seqId: number;
  /** Log-probs alone, without gradients. */
  readonly isForwardOnly: boolean;
}

/** A request: messages of protobuf that follow each other are one. */
export function passRequest({ modelId, seqId, isForwardOnly }: PassTarget, input: Uint8Array): Uint8Array {
  const target = request.encode({ model_id: modelId, seq_id: seqId, forward_only: isForwardOnly }).finish();
  return Buffer.concat([target, input]);
}

/** A request without its target. */
export function encodeInput(input: LossInput): Uint8Array {
  const config = input.loss_fn_config ?? {};
  const data = input.data.map(({ model_input: { chunks }, loss_fn_inputs: inputs }) => ({
    model_input: chunks.map(chunkMessage),
    loss_fn_inputs: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, tensorMessage(value)])),
  }));
  const message = {
    ...{ data, loss_fn: input.loss_fn },
    // Both, as the SDK does: servers before it do not know the second form.
    loss_fn_config: config,
    loss_fn_config_v2: Object.fromEntries(Object.entries(config).map(([name, number]) => [name, { number }])),
  };
  return request.encode(message).finish();
}

function chunkMessage(chunk: Chunk): object {
  if (chunk.type === 'encoded_text') return { encoded_text: { tokens: bytesOf(Int32Array.from(chunk.tokens)) } };
  const { data, format, expected_tokens } = chunk;
  return { image: { data: Buffer.from(data, 'base64'), format, expected_tokens } };
}

function tensorMessage({ data, dtype, shape }: Tensor): object {
  if (dtype === 'float32') return { dense: bytesOf(Float32Array.from(data)), dtype: 1, shape };
  return { dense: bytesOf(BigInt64Array.from(data, BigInt)), dtype: 2, shape };
}

const bytesOf = ({ buffer }: Int32Array | Float32Array | BigInt64Array): Uint8Array => new Uint8Array(buffer);

/** Bytes of protobuf, which may start at any address, as numbers. */
function numbersOf(bytes: Uint8Array, isWhole: boolean): number[] {
  const { buffer } = new Uint8Array(bytes);
  return [...(isWhole ? new Int32Array(buffer) : new Float32Array(buffer))];
}

/** As in JSON, null is a number that is not finite. */
const logProbsOf = (bytes: Uint8Array): (number | null)[] =>
  numbersOf(bytes, false).map((value) => (Number.isFinite(value) ? value : null));

/** The result of a request as JSON has it; undefined if the bytes are no result of this request. */
export function decodeResult(verb: string, bytes: Uint8Array): unknown {
  try {
    return verb === 'asample' ? sampleOf(bytes) : outputOf(bytes);
  } catch {
    return undefined;
  }
}

interface SampleMessage {
  readonly sequences: readonly {
    readonly stop_reason: number;
    readonly tokens: Uint8Array;
    readonly logprobs?: Uint8Array;
  }[];
}

function sampleOf(bytes: Uint8Array): object {
  const { sequences } = sample.decode(bytes) as unknown as SampleMessage;
  return {
    sequences: sequences.map(({ stop_reason, tokens, logprobs }) => ({
      stop_reason: ['stop', 'length'][stop_reason],
      tokens: numbersOf(tokens, true),
      logprobs: logprobs && logProbsOf(logprobs),
    })),
  };
}

interface OutputMessage {
  readonly loss_fn_outputs: readonly {
    readonly fields: Readonly<
      Record<string, { readonly data: Uint8Array; readonly offsets: Uint8Array; readonly dtype: number }>
    >;
  }[];
}

/** Log-probs alone, of all sequences of all records. */
function outputOf(bytes: Uint8Array): object {
  const { loss_fn_outputs: records } = output.decode(bytes) as unknown as OutputMessage;
  const outputs = records.flatMap(({ fields }) => {
    const { data, offsets, dtype } = required(fields['logprobs'], 'logprobs');
    if (dtype !== 1) throw new RangeError(`dtype ${String(dtype)}`);
    const ends = [...new BigInt64Array(new Uint8Array(offsets).buffer)].map(Number);
    return ends.slice(1).map((end, i) => ({ logprobs: { data: logProbsOf(data.subarray(ends[i], end)) } }));
  });
  return { loss_fn_outputs: outputs };
}
