/**
 * Notifies the recipe's webhooks and commands. A failed notification is reported in the result and fails nothing else.
 */
import { jsonBytes } from '../../artifacts/codecs/json-value.ts';
import { digestOf } from '../../core/json.ts';
import { runHook } from './command-hook.ts';
import type { JsonCache } from '../json-cache.ts';
import { recipeOf } from '../recipe-access.ts';
import type { NotifyInput, NotifyResult } from '../../contract/retraining.ts';
import { type Message, postSigned, type WebhookPatience } from './webhook.ts';
import type { Caller } from '../heartbeat.ts';

export interface NotifyPatience extends WebhookPatience {
  readonly commandTimeoutMs: number;
}

const patience: NotifyPatience = { timeoutMs: 10_000, backoffMs: [1_000, 5_000], commandTimeoutMs: 30_000 };

export function createNotify(
  cache: JsonCache,
  env: NodeJS.ProcessEnv = process.env,
  { commandTimeoutMs, ...webhookPatience }: NotifyPatience = patience,
) {
  return async ({ recipe, event }: NotifyInput, { cancellationSignal, request }: Caller): Promise<NotifyResult> => {
    const { promotion } = await recipeOf(cache, recipe);
    const { webhooks = [], commands = [] } = promotion?.notify ?? {};
    const message = messageOf(event, request);
    const post = (url: string, secretVariable: string | undefined): Promise<string | undefined> => {
      const secret = secretVariable === undefined ? undefined : env[secretVariable];
      // Never send unsigned if a signature was requested.
      if (secretVariable !== undefined && (secret ?? '') === '')
        return Promise.resolve(`webhook at ${new URL(url).origin}: the worker has no ${secretVariable} to sign with`);
      return postSigned(url, message, secret, webhookPatience, cancellationSignal);
    };
    const outcomes = await Promise.all([
      ...webhooks.map(({ url, secretVariable }) => post(url, secretVariable)),
      ...commands.map((command) => runHook(command, message.body, commandTimeoutMs, cancellationSignal)),
    ]);
    const failures = outcomes.filter((problem) => problem !== undefined);
    return { deliveredCount: outcomes.length - failures.length, failures };
  };
}

/** A retry sends the same id again. */
function messageOf({ kind, ...data }: NotifyInput['event'], request: Caller['request']): Message {
  const id = `msg_${digestOf({ ...request }).slice(0, 32)}`;
  const body = { type: kind, timestamp: new Date().toISOString(), data: { ...data, workflowId: request.workflowId } };
  return { id, body: new TextDecoder().decode(jsonBytes(body)) };
}
