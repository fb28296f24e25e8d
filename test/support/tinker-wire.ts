/** What the tests' Tinker server accepts: the fields of the SDK's strict types, and the checks of SkyRL's server. */
import { imageSizeOf } from '../../policy/vision/rgb-image.ts';
import { slopes, type LossConfig, type Sequence } from './tinker-policy.ts';

export type Body = Readonly<Record<string, unknown>>;

/** Verb -> the fields that it must have, and those that it may have. */
const fields: Readonly<Record<string, readonly [required: string, optional: string]>> = {
  'client/config': ['sdk_version', ''],
  create_session: ['tags user_metadata sdk_version', 'type'],
  session_heartbeat: ['session_id', 'type'],
  create_model: ['session_id model_seq_id base_model lora_config', 'type user_metadata'],
  unload_model: ['model_id', 'type'],
  create_sampling_session: ['session_id sampling_session_seq_id', 'base_model model_path type'],
  asample: ['num_samples prompt sampling_params sampling_session_id seq_id', 'prompt_logprobs type'],
  forward_backward: ['model_id seq_id forward_only forward_backward_input', ''],
  optim_step: ['model_id seq_id adam_params', 'type'],
  save_weights: ['model_id seq_id path', 'type'],
  load_weights: ['model_id seq_id path optimizer', 'type'],
  save_weights_for_sampler: ['model_id seq_id sampling_session_seq_id', 'type'],
  weights_info: ['tinker_path', ''],
  retrieve_future: ['request_id', ''],
};

const loraFields = ['rank', 'seed', 'train_attn', 'train_mlp', 'train_unembed'];
const adamFields = ['learning_rate', 'beta1', 'beta2', 'eps', 'weight_decay', 'grad_clip_norm'];
const samplingFields = ['max_tokens', 'seed', 'stop', 'temperature', 'top_k', 'top_p'];
/** As in SkyRL's ForwardBackwardInput. */
const configFields: Readonly<Record<string, readonly string[]>> = {
  ppo: ['clip_low_threshold', 'clip_high_threshold'],
  cispo: ['clip_low_threshold', 'clip_high_threshold'],
};

/** The first thing that is wrong with a body, as a 422 says it. */
export function wireProblem(verb: string, body: Body): string | undefined {
  const known = fields[verb];
  if (known === undefined) return `no endpoint ${verb}`;
  const [must, may] = known.map((names) => names.split(' ')) as [string[], string[]];
  const missing = must.find((name) => !(name in body));
  if (missing !== undefined) return `${missing}: Field required`;
  const extra = Object.keys(body).find((name) => !must.includes(name) && !may.includes(name));
  if (extra !== undefined) return `${extra}: Extra inputs are not permitted`;
  if ('type' in body && body['type'] !== (verb === 'asample' ? 'sample' : verb)) return `type: ${String(body['type'])}`;
  const whole = (name: string, part: unknown, names: readonly string[]): string | undefined =>
    Object.keys(part ?? {})
      .sort()
      .join() === [...names].sort().join()
      ? undefined
      : `${name}: invalid`;
  if (verb === 'create_model') return whole('lora_config', body['lora_config'], loraFields);
  if (verb === 'optim_step') return whole('adam_params', body['adam_params'], adamFields);
  if (verb === 'asample') return whole('sampling_params', body['sampling_params'], samplingFields);
  return undefined;
}

type Chunk = {
  readonly type: string;
  readonly tokens?: readonly number[];
  readonly data?: string;
  readonly format?: string;
  readonly expected_tokens?: number;
};
interface Tensor {
  readonly data: readonly number[];
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** Token before an image's own: the row of the table that it is. */
const imageRow = 0;
/** In this server's model an image token is 32 x 32 pixels, to which Qwen3-VL's processor rounds an image's edges. */
export function imageTokenCount({ height, width }: { readonly height: number; readonly width: number }): number {
  const [rows, columns] = [height, width].map((edge) => Math.max(1, Math.round(edge / 32)));
  return (rows ?? 1) * (columns ?? 1);
}

/** Tokens of a model input; images as rows of `imageRow`. Throws a RangeError that the server makes a failed result. */
export async function tokensOf(input: { readonly chunks: readonly Chunk[] }, size: number): Promise<number[]> {
  const tokens: number[] = [];
  for (const chunk of input.chunks) {
    if (chunk.type === 'encoded_text') tokens.push(...(chunk.tokens ?? []));
    else if (chunk.type === 'image' && (chunk.format === 'png' || chunk.format === 'jpeg')) {
      const count = imageTokenCount(await imageSizeOf(Buffer.from(chunk.data ?? '', 'base64')));
      if (chunk.expected_tokens !== count) {
        throw new RangeError(`image has ${String(count)} tokens, expected_tokens is ${String(chunk.expected_tokens)}`);
      }
      tokens.push(...new Array<number>(count).fill(imageRow));
    } else throw new RangeError(`chunk of type ${chunk.type}`);
  }
  const wrong = tokens.find((id) => !Number.isInteger(id) || id < 0 || id >= size);
  if (wrong !== undefined) throw new RangeError(`token ${String(wrong)} is out of range`);
  return tokens;
}

export interface Pass {
  readonly sequences: readonly Sequence[];
  readonly lossFn: string;
  readonly config: LossConfig;
}

/** Reads the data of a forward or forward_backward request. Throws a RangeError. */
export async function passOf(value: unknown, size: number): Promise<Pass> {
  const {
    data,
    loss_fn: lossFn,
    loss_fn_config: config = {},
    ...rest
  } = value as {
    readonly data: readonly {
      readonly model_input: { readonly chunks: readonly Chunk[] };
      readonly loss_fn_inputs: Readonly<Record<string, Tensor>>;
    }[];
    readonly loss_fn: string;
    readonly loss_fn_config?: LossConfig;
  };
  if (Object.keys(rest).length > 0) throw new RangeError(`fields ${Object.keys(rest).join()}`);
  if (!(lossFn in slopes)) throw new RangeError(`Unknown loss_fn ${lossFn}`);
  const extra = Object.keys(config).find((name) => configFields[lossFn]?.includes(name) !== true);
  if (extra !== undefined) throw new RangeError(`loss_fn_config: ${extra}`);
  if (data.length === 0) throw new RangeError('no data');
  const sequences: Sequence[] = [];
  for (const { model_input: input, loss_fn_inputs: inputs } of data) {
    const tokens = await tokensOf(input, size);
    const of = (name: string, dtype = 'float32'): readonly number[] | undefined => {
      const tensor = inputs[name];
      if (tensor === undefined) return undefined;
      const isWhole = tensor.data.length === tokens.length && tensor.shape.join() === String(tokens.length);
      if (tensor.dtype !== dtype || !isWhole) throw new RangeError(`${name}: ${tensor.dtype} ${tensor.shape.join()}`);
      return tensor.data;
    };
    const isPolicyGradient = lossFn !== 'cross_entropy';
    const [targets, advantages, logProbs] = [of('target_tokens', 'int64'), of('advantages'), of('logprobs')];
    if (targets === undefined || (isPolicyGradient && (!advantages || !logProbs)))
      throw new RangeError('inputs missing');
    sequences.push({
      ...{ inputs: tokens, targets, advantages: advantages ?? [], logProbs: logProbs ?? [] },
      weights: of('weights') ?? tokens.map(() => 1),
    });
  }
  return { sequences, lossFn, config };
}
