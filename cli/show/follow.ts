/** Shows an experiment until it ends: bars on a terminal, lines elsewhere. Ctrl-C ends the showing, not the experiment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExperimentResult } from '../../contract/workflows.ts';
import { barLines, plainLine } from './bars.ts';
import { resultOf } from './outcome.ts';
import { commandText, paintFor, say } from './output.ts';
import { Rates, timeText } from './rates.ts';
import { Screen } from './screen.ts';
import type { Stack } from '../temporal/stack.ts';
import { Interrupted } from './interrupted.ts';
import { type Standing, standingOf } from './standing.ts';

const redrawMs = 250;
/** Every look costs the control worker some milliseconds, which it takes from the runs. */
const askTerminalMs = 1_000;
const askLogMs = 3_000;
/** A step of a large model takes minutes: a log shows that they pass. */
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

async function drawBars({ client }: Stack, experimentId: string, screen: Screen, ended: AbortSignal): Promise<void> {
  const rates = new Rates();
  const paint = paintFor(process.stderr);
  let standing: Standing | undefined;
  const draw = (): void => {
    const { columnCount, rowCount } = screen;
    if (standing) screen.draw(barLines(standing, { nowMs: Date.now(), columnCount, rowCount, rates, paint }));
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

async function writeLines({ client }: Stack, experimentId: string, ended: AbortSignal): Promise<void> {
  const view = { nowMs: 0, columnCount: 0, rates: new Rates(), paint: paintFor(process.stderr) };
  let last = '';
  let saidAtMs = Date.now();
  const look = async (): Promise<void> => {
    const standing = await lookAt(client, experimentId);
    if (standing === undefined) return;
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

/** Showing is a courtesy: what cannot be asked is asked again, and the result is waited for all the same. */
function lookAt(client: Stack['client'], experimentId: string): Promise<Standing | undefined> {
  return standingOf(client, experimentId).catch(() => undefined);
}

/** false when it was ended. */
async function pause(ms: number, ended: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal: ended }).catch(() => undefined);
  return !ended.aborted;
}

/** Rejects with Interrupted at Ctrl-C, until it is stopped. */
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

/** What a person must know after Ctrl-C. */
export function sayGoesOn(experimentId: string): void {
  say(
    `\n${experimentId} continues in Temporal. Watch it with \`${commandText('watch', experimentId)}\`; cancel it with \`${commandText('cancel', experimentId)}\`.`,
  );
}
