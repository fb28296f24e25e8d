/** Messages between the worker and its compute process. */
import type { ErrorCode, ErrorDetails } from '../../../core/errors.ts';
import type { Engine } from '../../engine.ts';

export type EngineMethod = keyof Engine;

export interface EngineCall {
  readonly id: number;
  readonly method: EngineMethod;
  readonly args: readonly unknown[];
}

export type EngineReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: EngineFailure };

/** An error that survives the process border. */
export interface EngineFailure {
  readonly message: string;
  readonly stack?: string;
  readonly code?: ErrorCode;
  readonly details?: Omit<ErrorDetails, 'cause'>;
}
