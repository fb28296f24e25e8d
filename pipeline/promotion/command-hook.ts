/** One event to one program: the event as JSON on stdin, an exit code as the answer. */
import { spawn } from 'node:child_process';

const stderrLengthMax = 300;

/** What a hook sees of the worker's environment: not its credentials. */
const passedOn = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const;

/** Resolves to the reason why it did not end with 0, or undefined. Never throws; at the time-out, and when the signal is aborted, it and its children are killed. */
export function runHook(
  [program = '', ...args]: readonly string[],
  input: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const env = Object.fromEntries(passedOn.flatMap((name) => [[name, process.env[name]]]));
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env, detached: true });
    let stderr = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid);
    }, timeoutMs);
    const onAbort = (): void => {
      killGroup(child.pid);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const end = (problem: string | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      const said = stderr.trim();
      resolve(problem === undefined ? undefined : `${program}: ${problem}${said === '' ? '' : ` (${said})`}`);
    };
    child.on('error', (error) => {
      end(error.message);
    });
    child.on('close', (code, signal) => {
      if (isLate) end(`not finished within ${String(timeoutMs / 1000)} s`);
      else end(code === 0 ? undefined : `exit ${String(code ?? signal)}`);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = `${stderr}${text}`.slice(-stderrLengthMax);
    });
    // A program that does not want to know may close its end before it has read everything.
    child.stdin.on('error', () => undefined).end(input);
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}
