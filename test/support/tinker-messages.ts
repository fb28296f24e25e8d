/** Protobuf of the tests' Tinker server, by the SDK's own description (test/fixtures/tinker/generate.py). */
import { readFileSync } from 'node:fs';
import { decompress } from 'fzstd';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';
import { projectRoot } from '../../core/project.ts';

const described = readFileSync(`${projectRoot}/test/fixtures/tinker/tinker-public.desc`);
const root = protobuf.Root.fromDescriptor(described);
const typeOf = (name: string): protobuf.Type => root.lookupType(`tinker_public.${name}`);

interface TensorMessage {
  readonly dense: Uint8Array;
  readonly dtype: number;
  readonly shape: readonly number[];
}
interface ChunkMessage {
  readonly encoded_text?: { readonly tokens: Uint8Array };
  readonly image?: { readonly data: Uint8Array; readonly format: string; readonly expected_tokens: number };
}
interface RequestMessage {
  readonly model_id: string;
  readonly seq_id: number;
  readonly data: readonly {
    readonly model_input: readonly ChunkMessage[];
    readonly loss_fn_inputs: Readonly<Record<string, TensorMessage>>;
  }[];
  readonly loss_fn: string;
  readonly loss_fn_config: Readonly<Record<string, number>>;
  readonly loss_fn_config_v2: Readonly<Record<string, { readonly number: number }>>;
  readonly forward_only: boolean;
}

/**
 * The content of one zstd frame. Its header must have the content's length, as in the SDK's frames: it is absent if
 * these flags are all 0 (RFC 8878, 3.1.1.1.1). Throws if the frame is broken.
 */
export function contentOfFrame(bytes: Buffer): Buffer {
  const flags = bytes.readUInt8(4);
  if ((flags & 0b1110_0000) === 0) throw new RangeError('a frame without the length of its content');
  return Buffer.from(decompress(bytes));
}

/** The body as SkyRL's parse_forward_backward_request returns it. Throws a RangeError. */
export function passBody(bytes: Uint8Array) {
  const type = typeOf('ForwardBackwardRequest');
  const message = type.toObject(type.decode(bytes), {
    ...{ defaults: true, longs: Number, objects: true, arrays: true },
  }) as RequestMessage;
  const config = message.loss_fn_config;
  const newer = Object.entries(message.loss_fn_config_v2).map(([name, { number }]) => [name, number]);
  if (JSON.stringify(Object.fromEntries(newer)) !== JSON.stringify(config)) throw new RangeError('two configs');
  const data = message.data.map(({ model_input: chunks, loss_fn_inputs: inputs }) => ({
    model_input: { chunks: chunks.map(chunkOf) },
    loss_fn_inputs: Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensorOf(tensor)])),
  }));
  const input = { data, loss_fn: message.loss_fn, ...(Object.keys(config).length > 0 && { loss_fn_config: config }) };
  const { model_id, seq_id, forward_only } = message;
  return { model_id, seq_id, forward_only, forward_backward_input: input };
}

function chunkOf({ encoded_text: text, image }: ChunkMessage): object {
  if (text !== undefined) return { type: 'encoded_text', tokens: [...new Int32Array(whole(text.tokens))] };
  if (image === undefined) throw new RangeError('Unsupported model input chunk type');
  return { ...image, type: 'image', data: Buffer.from(image.data).toString('base64') };
}

function tensorOf({ dense, dtype, shape }: TensorMessage): object {
  const bytes = whole(dense);
  if (dtype === 1) return { data: [...new Float32Array(bytes)], dtype: 'float32', shape };
  if (dtype === 2) return { data: [...new BigInt64Array(bytes)].map(Number), dtype: 'int64', shape };
  throw new RangeError(`Unsupported tensor dtype value in request: ${String(dtype)}`);
}

const whole = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

export interface SampledSequence {
  readonly stop_reason: string;
  readonly tokens: readonly number[];
  readonly logprobs: readonly (number | null)[];
}

const floats = (values: readonly (number | null)[]): Uint8Array =>
  new Uint8Array(Float32Array.from(values, (value) => value ?? NaN).buffer);

/** As SkyRL's serialize_sample_output. */
export function sampleBytes(sequences: readonly SampledSequence[]): Uint8Array {
  const messages = sequences.map(({ stop_reason, tokens, logprobs }) => ({
    stop_reason: stop_reason === 'stop' ? 0 : 1,
    tokens: new Uint8Array(Int32Array.from(tokens).buffer),
    logprobs: floats(logprobs),
  }));
  return typeOf('SampleResponse').encode({ sequences: messages }).finish();
}

/** As SkyRL's serialize_result: one record, with the fields of its JAX backend. */
export function outputBytes(logProbs: readonly (readonly number[])[]): Uint8Array {
  const ends = logProbs.reduce((sums, { length }) => [...sums, (sums.at(-1) ?? 0) + 4 * length], [0]);
  const offsets = new Uint8Array(BigInt64Array.from(ends, BigInt).buffer);
  const batched = { data: floats(logProbs.flat()), offsets, dtype: 1 };
  const record = { num_datums: logProbs.length, fields: { elementwise_loss: batched, logprobs: batched } };
  const message = { loss_fn_output_type: 'scalar', loss_fn_outputs: [record] };
  return typeOf('ForwardBackwardOutput').encode(message).finish();
}
