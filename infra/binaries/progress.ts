/** What a user sees during minutes of building: one line that changes on a terminal, a plain line now and then elsewhere. */

export interface Progress {
  /** What is going on now. */
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
