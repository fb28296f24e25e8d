/** Retries requests to a server that may be restarted during a wait of hours. */
import { isGrpcServiceError } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../show/output.ts';

/**
 * gRPC CANCELLED, DEADLINE_EXCEEDED, INTERNAL (a broken stream), UNAVAILABLE: failures of the server or the connection,
 * not of the request.
 */
const unreachableCodes: readonly number[] = [1, 4, 13, 14];

/** Whether the error or any of its causes has one of these codes. */
export function isUnreachable(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (isGrpcServiceError(cause) && unreachableCodes.includes(cause.code)) return true;
  return false;
}

export interface Patience {
  readonly againMs: number;
  /** Longest outage; after it the error is thrown. */
  readonly silenceMsMax: number;
}

const patience: Patience = { againMs: 2_000, silenceMsMax: 120_000 };

export async function patiently<T>(ask: () => Promise<T>, { againMs, silenceMsMax }: Patience = patience): Promise<T> {
  let silentSinceMs: number | undefined;
  for (;;) {
    const askedAtMs = Date.now();
    try {
      return await ask();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      // A request that was open for long had reached the server, so this is the start of a new outage.
      if (Date.now() - askedAtMs > silenceMsMax) silentSinceMs = undefined;
      if (silentSinceMs === undefined) say('Temporal does not answer: retrying');
      silentSinceMs ??= Date.now();
      if (Date.now() - silentSinceMs > silenceMsMax) throw error;
    }
    await sleep(againMs);
  }
}
