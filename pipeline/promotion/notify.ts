/** Tells the webhooks and commands that the recipe declares. Whoever cannot be told is in the result; nothing else fails for it. */
import { Context } from '@temporalio/activity';
import { jsonBytes } from '../../artifacts/codecs/json-value.ts';
import { digestOf } from '../../core/json.ts';
import { runHook } from '../training/command-hook.ts';
import type { JsonCache } from '../json-cache.ts';
import { recipeOf } from '../recipe-access.ts';
import type { NotifyInput, NotifyResult } from '../../contract/retraining.ts';
import { type Message, postSigned, type WebhookPatience } from './webhook.ts';

export interface NotifyPatience extends WebhookPatience {
  readonly commandTimeoutMs: number;
}

const patience: NotifyPatience = { timeoutMs: 10_000, backoffMs: [1_000, 5_000], commandTimeoutMs: 30_000 };

export function createNotify(
  cache: JsonCache,
  env: NodeJS.ProcessEnv = process.env,
  { commandTimeoutMs, ...webhookPatience }: NotifyPatience = patience,
) {
  return async ({ recipe, event }: NotifyInput): Promise<NotifyResult> => {
    const { promotion } = await recipeOf(cache, recipe);
    const { webhooks = [], commands = [] } = promotion?.notify ?? {};
    const message = messageOf(event);
    const { cancellationSignal } = Context.current();
    const post = (url: string, secretVariable: string | undefined): Promise<string | undefined> => {
      const secret = secretVariable === undefined ? undefined : env[secretVariable];
      // Unsigned is not what was asked for.
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

/** A retry of this activity sends the same id again. */
function messageOf({ kind, ...data }: NotifyInput['event']): Message {
  const { workflowExecution, activityId } = Context.current().info;
  const { workflowId, runId } = workflowExecution ?? {};
  const id = `msg_${digestOf({ workflowId, runId, activityId }).slice(0, 32)}`;
  const body = { type: kind, timestamp: new Date().toISOString(), data: { ...data, workflowId } };
  return { id, body: new TextDecoder().decode(jsonBytes(body)) };
}
