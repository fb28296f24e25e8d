/**
 * What a worker process is doing, on its disk: when it is killed, the next one with the same home reports its
 * activities as failed, so that they are retried at once and not when their heartbeats have been missing for long enough.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Context } from '@temporalio/activity';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import type { Logger } from 'pino';
import { toFailure } from '../activities/failure.ts';
import { describeError, MtrlError } from '../core/errors.ts';
import { identify, isAlive, type ProcessIdentity } from '../infra/process/identity.ts';
import { failAttempt } from '../infra/stack/fail-attempt.ts';
import { withTemporalClient } from '../infra/stack/temporal-client.ts';
import type { TemporalSettings } from '../infra/stack/temporal-settings.ts';

/** Of an activity in progress. */
interface Ongoing {
  /** A home may be on a disk that machines share. */
  readonly host: string;
  readonly by: ProcessIdentity;
  readonly activity: string;
  readonly attempt: number;
  /** Temporal's name for this attempt, base64. */
  readonly token: string;
}

export class OngoingActivities {
  readonly #folder: string;
  readonly #self: ProcessIdentity;
  readonly #log: Logger;

  constructor(home: string, log: Logger, self = identify(process.pid)) {
    this.#folder = join(home, 'ongoing');
    this.#self = self ?? { pid: process.pid, startTime: '' };
    this.#log = log;
  }

  interceptor({ info }: Context): ActivityInboundCallsInterceptor {
    return {
      execute: async (input, next) => {
        const { activityType: activity, attempt, base64TaskToken: token } = info;
        const path = join(this.#folder, `${String(this.#self.pid)}-${randomUUID()}.json`);
        const ongoing: Ongoing = { host: hostname(), by: this.#self, activity, attempt, token };
        this.#try(() => {
          mkdirSync(this.#folder, { recursive: true });
          writeFileSync(path, JSON.stringify(ongoing));
        });
        try {
          return await next(input);
        } finally {
          this.#try(() => {
            rmSync(path, { force: true });
          });
        }
      },
    };
  }

  /** Reports what processes that are gone have left. Failures are logged: heartbeats tell the rest, only later. */
  async reportLeft(temporal: TemporalSettings): Promise<void> {
    const left = this.#files().flatMap((path) => {
      const ongoing = readOngoing(path);
      const isOurs = ongoing === undefined || (ongoing.host === hostname() && !isAlive(ongoing.by));
      return isOurs ? [{ path, ongoing }] : [];
    });
    if (left.length === 0) return;
    const warn = (error: unknown): void => {
      this.#log.warn({ reason: describeError(error) }, 'cannot report an interrupted activity');
    };
    await withTemporalClient(temporal, async (client) => {
      for (const { path, ongoing } of left) {
        try {
          if (ongoing !== undefined && (await failAttempt(client, ongoing.token, killedDuring(ongoing))))
            this.#log.info({ activity: ongoing.activity, pid: ongoing.by.pid }, 'reported what a killed worker left');
          rmSync(path, { force: true });
        } catch (error) {
          warn(error);
        }
      }
    }).catch(warn);
  }

  #files(): string[] {
    try {
      return readdirSync(this.#folder).map((name) => join(this.#folder, name));
    } catch {
      return [];
    }
  }

  /** A full disk must not fail an activity. */
  #try(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#log.warn({ reason: describeError(error) }, 'cannot note what it does');
    }
  }
}

function killedDuring({ by, activity, attempt }: Ongoing): Error {
  const found = `process ${String(by.pid)} is gone`;
  return toFailure(new MtrlError('WORKER_KILLED', `the worker was killed during ${activity}`, { found }), attempt);
}

/** undefined if the file was cut off. */
function readOngoing(path: string): Ongoing | undefined {
  try {
    const { host = '', by, activity = '', attempt, token } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Ongoing>;
    const isWhole = typeof by?.pid === 'number' && typeof token === 'string' && typeof attempt === 'number';
    return isWhole ? { host, by, activity, attempt, token } : undefined;
  } catch {
    return undefined;
  }
}
