/** Shows an experiment until it ends: bars on a terminal, else lines. Ctrl-C stops the display, not the experiment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExperimentResult } from '../../contract/workflows.ts';
import { barLines, plainLine } from './bars.ts';
import { resultOf } from './outcome.ts';
import { commandText, paintFor, say } from './output.ts';
import { Rates, timeText } from './rates.ts';
import { Screen } from './screen.ts';
import type { Stack } from '../temporal/stack.ts';
import { Interrupted } from './interrupted.ts';
import { unpolledQueues, unpolledText } from '../../infra/stack/unpolled-queues.ts';
import { workflowsOfExperiment } from '../temporal/workflow-roots.ts';
import { type Standing, standingOf } from './standing.ts';

const redrawMs = 250;
/** Polling intervals: every poll takes some milliseconds of the control worker, which the runs need as well. */
const askTerminalMs = 1_000;
const askLogMs = 3_000;
/** How often it looks for queues that no worker polls. */
const askQueuesMs = 10_000;
/** Time after which a log line is printed even without a change: a step of a large model takes minutes. */
const silenceMsMax = 60_000;

/** Throws the coded error that ended the experiment, or Interrupted. */
export async function follow(stack: Stack, experimentId: string): Promise<ExperimentResult> {
  const ended = new AbortController();
  const interrupted = onInterrupt();
  const isTerminal = process.stderr.isTTY && process.env['TERM'] !== 'dumb';
  const screen = new Screen(process.stderr);
  try {
    const result = resultOf(stack, experimentId).finally(() => {
      ended.abort();
    });
    // Whichever comes first is awaited below; the other must not become an unhandled rejection.
    result.catch(() => undefined);
    const display = isTerminal
      ? drawBars(stack, experimentId, screen, ended.signal)
      : writeLines(stack, experimentId, ended.signal);
    return await Promise.race([result.finally(() => display), interrupted.promise]);
  } finally {
    screen.close();
    ended.abort();
    interrupted.stop();
  }
}

async function drawBars(stack: Stack, experimentId: string, screen: Screen, ended: AbortSignal): Promise<void> {
  const { client } = stack;
  const rates = new Rates();
  const paint = paintFor(process.stderr);
  let standing: Standing | undefined;
  let unpolled: readonly string[] = [];
  void watchQueues(stack, experimentId, ended, (lines) => {
    unpolled = lines;
  });
  const draw = (): void => {
    const { columnCount, rowCount } = screen;
    if (standing === undefined) return;
    const bars = barLines(standing, { nowMs: Date.now(), columnCount, rowCount, rates, paint });
    screen.draw([...bars, ...(standing.retrying?.split('\n') ?? []), ...unpolled]);
  };
  const timer = setInterval(draw, redrawMs);
  process.stderr.on('resize', draw);
  try {
    do {
      standing = (await lookAt(client, experimentId)) ?? standing;
      for (const run of standing?.progress?.runs ?? []) rates.saw(run, Date.now());
    } while (await pause(askTerminalMs, ended));
    standing = (await lookAt(client, experimentId)) ?? standing;
    draw();
  } finally {
    clearInterval(timer);
    process.stderr.off('resize', draw);
  }
}

async function writeLines(stack: Stack, experimentId: string, ended: AbortSignal): Promise<void> {
  const { client } = stack;
  const said = new Set<string>();
  void watchQueues(stack, experimentId, ended, (lines) => {
    for (const line of lines.filter((each) => !said.has(each))) say(line);
    said.clear();
    for (const line of lines) said.add(line);
  });
  const view = { nowMs: 0, columnCount: 0, rates: new Rates(), paint: paintFor(process.stderr) };
  let last = '';
  let lastRetry: string | undefined;
  let saidAtMs = Date.now();
  const look = async (): Promise<void> => {
    const standing = await lookAt(client, experimentId);
    if (standing === undefined) return;
    if (standing.retrying !== undefined && standing.retrying !== lastRetry) say(standing.retrying);
    lastRetry = standing.retrying ?? lastRetry;
    const line = plainLine(standing, view);
    const nowMs = Date.now();
    if (line !== last) say(line);
    else if (nowMs - saidAtMs < silenceMsMax) return;
    else say(`${line} | ${timeText(nowMs - standing.startedAt.getTime())}`);
    saidAtMs = nowMs;
    last = line;
  };
  do {
    await look();
  } while (await pause(askLogMs, ended));
  await look();
}

/** Tells the queues without workers now and then, beside the progress. A failed look only shows nothing. */
async function watchQueues(
  { client, settings }: Stack,
  experimentId: string,
  ended: AbortSignal,
  tell: (lines: readonly string[]) => void,
): Promise<void> {
  do {
    const unpolled = await unpolledQueues(client, workflowsOfExperiment(experimentId)).catch(() => []);
    if (!ended.aborted) tell(unpolled.map((queue) => unpolledText(queue, settings.taskQueues)));
  } while (await pause(askQueuesMs, ended));
}

/** Current progress; undefined if it cannot be queried. It is only for display, so the next poll tries again. */
function lookAt(client: Stack['client'], experimentId: string): Promise<Standing | undefined> {
  return standingOf(client, experimentId).catch(() => undefined);
}

/** Sleeps; returns false if the signal was aborted. */
async function pause(ms: number, ended: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal: ended }).catch(() => undefined);
  return !ended.aborted;
}

/** A promise that rejects with Interrupted on Ctrl-C, until `stop` is called. */
export function onInterrupt(): { readonly promise: Promise<never>; readonly stop: () => void } {
  let interrupt: () => void = () => undefined;
  const promise = new Promise<never>((_, failed) => {
    interrupt = () => {
      failed(new Interrupted());
    };
  });
  promise.catch(() => undefined);
  process.on('SIGINT', interrupt);
  return { promise, stop: () => process.off('SIGINT', interrupt) };
}

/** Prints after Ctrl-C that the experiment continues, and how to watch or cancel it. */
export function sayGoesOn(experimentId: string): void {
  say(
    `\n${experimentId} continues in Temporal. Watch it with \`${commandText('watch', experimentId)}\`; cancel it with \`${commandText('cancel', experimentId)}\`.`,
  );
}
