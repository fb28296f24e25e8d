import { CancelledFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { Waits, whileProgressing, whileWaiting } from '../../pipeline/heartbeat.ts';
import { callerWith } from '../support/caller.ts';

const options = { pulseMs: 4, stalledAfterMs: 40 };

function watch(progress: () => number) {
  const abort = new AbortController();
  const seen = { beats: 0, stops: 0 };
  const heartbeat = (): void => {
    seen.beats++;
  };
  const caller = callerWith({ heartbeat, cancellationSignal: abort.signal });
  const watched = {
    progress,
    stop: () => {
      seen.stops++;
    },
  };
  return { abort, seen, caller, run: <T>(body: () => Promise<T>) => whileProgressing(caller, watched, body, options) };
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it('heartbeats while the work advances, for any duration', async () => {
  let count = 0;
  const { seen, run } = watch(() => ++count);
  await run(async () => {
    while (seen.beats < 6) await after(1);
  });
  expect(seen.stops).toBe(0);
});

it('stops heartbeats, then stalled work, with COMPUTE_STALLED', async () => {
  const { seen, run } = watch(() => 1);
  await expect(run(() => after(10_000))).rejects.toMatchObject({ code: 'COMPUTE_STALLED', retryable: true });
  expect(seen).toEqual({ beats: 0, stops: 1 });
});

it('stops the work when Temporal cancels the activity', async () => {
  const { abort, seen, run } = watch(() => 1);
  const running = run(() => after(10_000));
  abort.abort(new CancelledFailure('CANCELLED'));
  await expect(running).rejects.toBeInstanceOf(CancelledFailure);
  expect(seen.stops).toBe(1);
});

it('sends no heartbeat after the end', async () => {
  let count = 0;
  const { seen, run } = watch(() => ++count);
  await run(() => after(1));
  const { beats } = seen;
  await after(30);
  expect(seen.beats).toBe(beats);
});

it('counts waiting for the store as progress, and nothing else', async () => {
  const waits = new Waits();
  const before = waits.progress();
  expect(waits.progress()).toBe(before);
  const waiting = waits.for(after(20));
  const during = waits.progress();
  expect(during).toBeGreaterThan(before);
  expect(waits.progress()).toBeGreaterThan(during);
  await waiting;
  const ended = waits.progress();
  expect(waits.progress()).toBe(ended);
});

it('heartbeats while files are stored, longer than the heartbeat timeout, and ends with the activity', async () => {
  const { abort, seen, caller } = watch(() => 1);
  const files = async (): Promise<string> => {
    while (seen.beats < 6) await after(1);
    return 'kept';
  };
  expect(await whileWaiting(caller, files, options)).toBe('kept');
  const waiting = whileWaiting(caller, () => after(10_000), options);
  abort.abort(new CancelledFailure('CANCELLED'));
  await expect(waiting).rejects.toBeInstanceOf(CancelledFailure);
});
