/** Messages between the worker and its compute process. */
import { codedFileError } from '../../../artifacts/store/file-error.ts';
import { type ErrorCode, type ErrorDetails, MtrlError } from '../../../core/errors.ts';
import type { PixelValues } from '../../engine.ts';
import type { ComputeVerbs } from './compute-verbs.ts';

export type EngineMethod = keyof ComputeVerbs;

export interface EngineCall {
  readonly id: number;
  readonly method: EngineMethod;
  readonly args: readonly unknown[];
}

export type EngineReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: EngineFailure };

/** Request of the compute process for the pixels of those prompts of a call that it is about to compute. */
export interface PixelAsk {
  readonly callId: number;
  /** Indices of the call's prompts. */
  readonly pixelsOf: readonly number[];
}

/** Reply to a PixelAsk; they are answered one at a time. */
export type PixelAnswer =
  { readonly pixels: readonly (readonly PixelValues[])[] } | { readonly pixelFailure: EngineFailure };

/** An error in a form that can be sent between processes. */
export interface EngineFailure {
  readonly message: string;
  readonly stack?: string;
  readonly code?: ErrorCode;
  readonly details?: Omit<ErrorDetails, 'cause'>;
}

/** How C++, V8 and WebAssembly say that the machine gave no memory. A device that is too small says it otherwise. */
const allocationFailure = /\bbad_alloc\b|Array buffer allocation failed|could not allocate memory/;

export function failureOf(thrown: unknown): EngineFailure {
  const error = withoutMemory(thrown) ?? codedFileError(thrown);
  if (error instanceof MtrlError) {
    const { where, found, hint } = error.details;
    return {
      message: error.message,
      code: error.code,
      details: {
        ...(where === undefined ? {} : { where }),
        ...(found === undefined ? {} : { found }),
        ...(hint === undefined ? {} : { hint }),
      },
    };
  }
  return error instanceof Error
    ? { message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) }
    : { message: String(error) };
}

/** The machine's shortage and no bug: coded as the crash that it is elsewhere, where the kernel kills the process. */
function withoutMemory(thrown: unknown): MtrlError | undefined {
  if (!(thrown instanceof Error) || thrown instanceof MtrlError || !allocationFailure.test(thrown.message))
    return undefined;
  return new MtrlError('COMPUTE_CRASHED', 'the compute process got no memory', {
    found: thrown.message,
    hint: 'it is restarted and the activity retried; if this recurs, run fewer engines on this machine (MTRL_ENGINE_COUNT), or give it more memory',
    cause: thrown,
  });
}

export function revive(failure: EngineFailure): Error {
  if (failure.code !== undefined) return new MtrlError(failure.code, failure.message, failure.details);
  const error = new Error(failure.message);
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}
