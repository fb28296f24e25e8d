/** Progress of a build that takes minutes: one updated line on a terminal, elsewhere a plain line at intervals. */

export interface Progress {
  /** Sets the text for the current activity. */
  readonly say: (text: string) => void;
  readonly end: () => void;
}

const plainIntervalMs = 15_000;
const terminalIntervalMs = 200;

export function startProgress(label: string, log: (line: string) => void): Progress {
  const startedMs = Date.now();
  const isTerminal = process.stderr.isTTY;
  let doing = '';
  const line = () => `${label}  ${elapsed(Date.now() - startedMs)}${doing === '' ? '' : `  ${doing}`}`;
  const show = () => {
    if (!isTerminal) log(line());
    else process.stderr.write(`\r\x1b[2K${line().slice(0, process.stderr.columns - 1)}`);
  };
  const timer = setInterval(show, isTerminal ? terminalIntervalMs : plainIntervalMs);
  return {
    say: (text) => {
      doing = text;
    },
    end: () => {
      clearInterval(timer);
      if (isTerminal) process.stderr.write('\r\x1b[2K');
    },
  };
}

export function elapsed(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
}
