/** Settings of Tinker engines, from the environment of the worker. The key is in no message, log or artifact. */
import { MtrlError } from '../../../core/errors.ts';
import type { EngineSurroundings } from '../engine-service.ts';

/** Losses of the wire that this engine knows how to use. */
const wireLosses = ['cross_entropy', 'importance_sampling', 'ppo', 'cispo', 'gspo'] as const;
export type WireLoss = (typeof wireLosses)[number];

/**
 * How a server sums a loss. `sum`: over all tokens (the hosted service). `sequence-mean`: the mean over sequences of the
 * weighted mean over the tokens of each (SkyRL with JAX).
 */
const reductions = ['sum', 'sequence-mean'] as const;
export type Reduction = (typeof reductions)[number];

export interface TinkerSettings {
  /** Address before /api/v1, without a slash at its end. */
  readonly url: string;
  /** Name of the base model on the server. */
  readonly baseModel: string;
  readonly key: string | undefined;
  readonly losses: readonly WireLoss[];
  readonly reduction: Reduction;
  /** Sampling requests that wait for their results at a time. */
  readonly samplingCountMax: number;
  /** Time after which a result that the server never gives is COMPUTE_STALLED. */
  readonly resultTimeoutMs: number;
  /** Time for which an unreachable or failing server is asked again, before ENGINE_UNREACHABLE. */
  readonly retryMs: number;
  /** Pause after the first failure without Retry-After; it doubles with each further one, up to 8 s. */
  readonly backoffMs: number;
  /** Interval of the session's heartbeats. */
  readonly heartbeatMs: number;
  readonly retryAfterMsOf: (response: Response) => number | undefined;
}

export const keyVariable = 'TINKER_API_KEY';

/** Throws USAGE naming the variable. */
export function tinkerSettings({
  environment,
  retryAfterMsOf = () => undefined,
}: Pick<EngineSurroundings, 'environment' | 'retryAfterMsOf'>): TinkerSettings {
  const text = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const named = (name: string, hint: string): string => text(name) ?? wrong(name, 'nothing', hint);
  const url = named('MTRL_TINKER_URL', 'the address of the server, such as http://localhost:8000');
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) wrong('MTRL_TINKER_URL', url, 'an http or https address');
  const key = text(keyVariable);
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    wrong(keyVariable, 'a value with characters that a header cannot carry', 'set the key again');
  }
  const seconds = (name: string, usual: number): number => 1000 * count(name, text(name), usual);
  return {
    url: url.replace(/\/+$/, ''),
    baseModel: named('MTRL_TINKER_BASE_MODEL', 'the name of a model of the server, such as Qwen/Qwen3-8B'),
    key,
    losses: listOf('MTRL_TINKER_LOSSES', text('MTRL_TINKER_LOSSES'), wireLosses),
    reduction: oneOf('MTRL_TINKER_REDUCTION', text('MTRL_TINKER_REDUCTION') ?? 'sum', reductions),
    samplingCountMax: count('MTRL_TINKER_SAMPLING_COUNT_MAX', text('MTRL_TINKER_SAMPLING_COUNT_MAX'), 64),
    resultTimeoutMs: seconds('MTRL_TINKER_RESULT_TIMEOUT_SECONDS', 3600),
    retryMs: seconds('MTRL_TINKER_RETRY_SECONDS', 120),
    ...{ backoffMs: 500, heartbeatMs: 5_000, retryAfterMsOf },
  };
}

function wrong(variable: string, found: string, hint: string): never {
  throw new MtrlError('USAGE', `${variable} cannot be used`, {
    where: `environment variable ${variable}`,
    found,
    hint,
  });
}

function count(variable: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : wrong(variable, text, 'a whole number of at least 1');
}

function oneOf<T extends string>(variable: string, text: string, allowed: readonly T[]): T {
  return allowed.find((name) => name === text) ?? wrong(variable, text, `one of ${allowed.join(', ')}`);
}

function listOf<T extends string>(variable: string, text: string | undefined, allowed: readonly T[]): readonly T[] {
  if (text === undefined) return allowed;
  return text.split(',').map((name) => oneOf(variable, name.trim(), allowed));
}
