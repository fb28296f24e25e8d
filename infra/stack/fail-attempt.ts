/** Ends an attempt at an activity from outside of the worker that has it. */
import { ActivityNotFoundError, type Client } from '@temporalio/client';

/**
 * @param token Temporal's name for the attempt, base64
 * @returns whether it was still in progress for Temporal
 */
export async function failAttempt(client: Client, token: string, failure: Error): Promise<boolean> {
  try {
    await client.activity.fail(Buffer.from(token, 'base64'), failure);
    return true;
  } catch (error) {
    // It has been retried meanwhile, or had ended.
    if (error instanceof ActivityNotFoundError) return false;
    throw error;
  }
}
